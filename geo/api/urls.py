"""Routes of the API, under /api/."""

from django.urls import path

from geo.api import areas, directory, duplicates, private_report, report_photos, report_status, reports, summary
from geo.api.analysis import density_grid, dossier, events, interventions, matrix, print, results, saved

urlpatterns = [
    path("reports/", reports.ReportsView.as_view(), name="reports"),
    path("reports/summary/", summary.SummaryView.as_view(), name="reports-summary"),
    path("reports/duplicates/", duplicates.DuplicatesView.as_view(), name="reports-duplicates"),
    path("reports/<slug:public_id>/", reports.ReportView.as_view(), name="report"),
    path("reports/<slug:public_id>/photos/<int:number>/", report_photos.ReportPhotoView.as_view(), name="report-photo"),
    path(
        "reports/<slug:public_id>/photos/<int:number>/thumbnail/",
        report_photos.ReportThumbnailView.as_view(),
        name="report-thumbnail",
    ),
    path("reports/<slug:public_id>/private/", private_report.PrivateReportView.as_view(), name="report-private"),
    path("reports/<slug:public_id>/support/", reports.SupportView.as_view(), name="report-support"),
    path("reports/<slug:public_id>/status/", report_status.ReportStatusView.as_view(), name="report-status"),
    path("reports/<slug:public_id>/duplicates/", duplicates.ReportDuplicatesView.as_view(), name="report-duplicates"),
    path("reports/<slug:public_id>/merge/", duplicates.MergeView.as_view(), name="report-merge"),
    path("reports/<slug:public_id>/split/", duplicates.SplitView.as_view(), name="report-split"),
    path("statuses/", report_status.StatusesView.as_view(), name="statuses"),
    path("device-tokens/", reports.DeviceTokensView.as_view(), name="device-tokens"),
    path("areas/", areas.AreasView.as_view(), name="areas"),
    path("areas/<str:code>/", areas.AreaView.as_view(), name="area"),
    path("categories/", directory.CategoriesView.as_view(), name="categories"),
    path("agencies/", directory.AgenciesView.as_view(), name="agencies"),
    path("channels/", directory.ChannelsView.as_view(), name="channels"),
    path("cities/", directory.CitiesView.as_view(), name="cities"),
    path("analysis/density-grid/", density_grid.DensityGridView.as_view(), name="analysis-density-grid"),
    path("analysis/districts/<str:code>/", dossier.DossierView.as_view(), name="analysis-district-dossier"),
    path("analysis/matrix/", matrix.MatrixView.as_view(), name="analysis-matrix"),
    path("analysis/events/", events.EventsView.as_view(), name="analysis-events"),
    path("analysis/results/<str:token>/", results.ResultView.as_view(), name="analysis-result"),
    path("analysis/saved/", saved.SavedAnalysesView.as_view(), name="saved-analyses"),
    path("analysis/saved/<slug:slug>/", saved.SavedAnalysisView.as_view(), name="saved-analysis"),
    path("analysis/saved/<slug:slug>/freeze/", saved.FreezeView.as_view(), name="saved-analysis-freeze"),
    path("analysis/saved/<slug:slug>/print/", print.PrintView.as_view(), name="saved-analysis-print"),
    path("analysis/interventions/", interventions.InterventionsView.as_view(), name="interventions"),
    path("analysis/interventions/<int:number>/", interventions.InterventionView.as_view(), name="intervention"),
    path("analysis/interventions/<int:number>/effect/", interventions.EffectView.as_view(), name="intervention-effect"),
]
