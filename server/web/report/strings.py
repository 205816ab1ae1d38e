"""The words of the reporter's page, for its script: as in server.web.map.strings, and the names of the states from their own table."""

from django.utils.translation import gettext_lazy as _

from geo.reports.workflow import WORDS, Status

MEANINGS = {
    Status.SUBMITTED: _("It has arrived. Nobody has taken it up yet."),
    Status.COORDINATION: _("The agencies are settling who deals with it."),
    Status.ASSIGNED: _("It was given to those who deal with it."),
    Status.IN_PROGRESS: _("It is being worked on."),
    Status.WAITING: _("The work is on hold. The history says why, if there is a public reason."),
    Status.RESOLVED: _("Those who dealt with it say that it is done."),
    Status.REJECTED: _("It will not be dealt with. The history says why, if there is a public reason."),
    Status.DUPLICATE: _("It tells of the same thing as another report, and goes on with that one."),
    Status.REOPENED: _("It is open again, and will be dealt with once more."),
}

NEXT = {
    Status.SUBMITTED: _(
        "Somebody of the city reads it and gives it to the agency that deals with it. That step appears here."
    ),
    Status.COORDINATION: _("Once it is settled whose it is, that agency takes it up. That step appears here."),
    Status.ASSIGNED: _("The agency takes it up. When the work begins, and when it is done, it appears here."),
    Status.IN_PROGRESS: _("When the work is done, it appears here. Who sent the report is then asked whether it is."),
    Status.WAITING: _("When the work goes on, it appears here."),
    Status.RESOLVED: _(
        "Whoever sent the report can say whether it is done, and open it again if not. Is it not done, and somebody else sent the "
        "report? Then send a new one."
    ),
    Status.REJECTED: _("Whoever sent the report can open it again, and say why."),
    Status.DUPLICATE: _("What is done about it appears at the report with which it was merged."),
    Status.REOPENED: _("The agency looks at it once more. That step appears here."),
}

REPORT = {
    "status": _("Status"),
    "since": _("Since {time}"),
    "number": _("Number"),
    "category": _("Category"),
    "place": _("Place"),
    "landmark": _("Landmark"),
    "no_place": _("No public place."),
    "on_the_map": _("See it on the map"),
    "reported_at": _("Reported"),
    "handled_by": _("Who works on it"),
    "nobody": _("No agency yet."),
    "what_you_wrote": _("What you wrote, as the public reads it"),
    "no_description": _("No description."),
    "follows": _("It was merged with report {id}, and goes on with that one."),
    "photos": _("Photos"),
    "photo_number": _("Photo {n} of the report"),
    "photo_failed": _("Photo {n} cannot be shown here: it is not public, or there is no connection."),
    "history": _("History"),
    "times_in": _("Times in {zone}."),
}

QUESTIONS = {
    "is_it_done": _("Is it done?"),
    "only_staff": _("Only those who deal with the report read what you write here."),
    "comment": _("Do you want to add something? (optional)"),
    "yes": _("Yes, it is done"),
    "no": _("No, it is not done"),
    "answered_yes": _("You answered on {time}: it is done. You can answer otherwise."),
    "answered_no": _("You answered on {time}: it is not done. You can answer otherwise."),
    "open_again": _("Open the report again"),
    "open_until": _(
        "Is the problem still there? Until {time} you can open the report again. It is then dealt with once more."
    ),
    "reason": _("What is still wrong?"),
    "open_button": _("Open it again"),
    "reason_needed": _("Please write what is still wrong."),
}

SAID = {
    "loading": _("Loading…"),
    "sending": _("Sending…"),
    "said_yes": _("Thank you. Your answer is noted: it is done."),
    "said_no": _("Thank you. Your answer is noted: it is not done. The status stays as it is."),
    "said_no_open": _(
        "Thank you. Your answer is noted: it is not done. The status stays as it is; if it is to be dealt with once more, open "
        "the report again below."
    ),
    "reopened": _("The report is open again. Those who deal with it read your reason."),
}

REFUSALS = {
    "no_link": _(
        "This page shows a report to the one who sent it. The link to it comes with the answer to the report, and by e-mail if you "
        "left an address. Please open that link."
    ),
    "link_refused": _(
        "This link does not work. Perhaps it was not copied whole: open it once more from where you got it. A link ends after {n} "
        "days, and when your data is erased. If you have no other link, send a new report."
    ),
    "too_many": _("Too many answers in a short time. What you wrote is still here: please try again in {n} minutes."),
    "too_many_one": _("Too many answers in a short time. What you wrote is still here: please try again in a minute."),
    "offline": _("No connection to the service. Check your connection, and try again."),
    "offline_sent": _(
        "No connection to the service, so your answer may not have arrived. What you wrote is still here. Check your connection, and "
        "send it again."
    ),
    "failed": _("The service cannot answer just now. Please try again in a few minutes."),
}


def report_strings() -> dict[str, str]:
    """Every string by its key, in the language of the request."""
    names = {f"status_{status}": words.name for status, words in WORDS.items()}
    meanings = {f"means_{status}": text for status, text in MEANINGS.items()}
    return {name: str(text) for name, text in {**names, **meanings, **REPORT, **QUESTIONS, **SAID, **REFUSALS}.items()}
