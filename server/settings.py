"""Django's settings. What differs between installations comes from the environment (.env.example)."""

from datetime import timedelta
from pathlib import Path

from django.utils.translation import gettext_lazy as _

from server.core import env

BASE_DIR = Path(__file__).resolve().parent.parent
HOME = Path(env.text("PANTAU_HOME", str(BASE_DIR / ".pantau")))

DEBUG = env.flag("PANTAU_DEBUG")
SECRET_KEY = env.text("PANTAU_SECRET_KEY", "not-a-secret-only-for-debug" if DEBUG else None)
BASE_URL = env.text("PANTAU_BASE_URL", "").rstrip("/")
ALLOWED_HOSTS = env.names("PANTAU_ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]")
CSRF_TRUSTED_ORIGINS = [BASE_URL] if BASE_URL else []
# Addresses of reverse proxies whose X-Forwarded-For, -Proto, -Host and -Port are believed.
TRUSTED_PROXIES = env.names("PANTAU_TRUSTED_PROXIES")

DATABASES = {"default": env.database()}
MQTT_URL = env.text("MQTT_URL", "")
MQTT_GATEWAY_URL = env.text("MQTT_GATEWAY_URL", MQTT_URL)
BROKER_DIR = env.text("PANTAU_BROKER_DIR", "")
# How many processes of `ingest_mqtt` share the load.
INGEST_WORKERS = env.integer("PANTAU_INGEST_WORKERS", 1, minimum=1, maximum=32)

# Whether what is stored is told of by MQTT, too, on the topics sta/v1.1/… (SensorThings; a message for each observation).
STA_MQTT = env.flag("PANTAU_STA_MQTT")

INSTALLED_APPS = [
    "server.web.admin.apps.PantauAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.gis",
    "django.contrib.postgres",
    "rest_framework",
    "rest_framework_gis",
    "django_filters",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_tasks",
    "django_tasks_db",
    "axes",
    "sensors",
    "geo",
]

MIDDLEWARE = [
    "server.web.forwarded.ForwardedMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "server.web.middleware.CorsMiddleware",
    "server.web.middleware.ContentSecurityPolicyMiddleware",
    "django.middleware.gzip.GZipMiddleware",
    # Inside gzip, whose bytes differ each time (its defence against BREACH): an ETag of those would never match.
    "server.web.middleware.ConditionalMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "server.web.middleware.LanguageMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "server.web.admin.zone.AdminZoneMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "server.web.middleware.ProblemPageMiddleware",
    "server.core.problems.ProblemMiddleware",
    # The innermost: it answers in the place of the view where a log-in has failed too often.
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "server.urls"
WSGI_APPLICATION = "server.wsgi.application"
ASGI_APPLICATION = "server.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "server/web/templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

LANGUAGE_CODE = "id"
LANGUAGES = [("id", _("Indonesian")), ("en", _("English"))]
LOCALE_PATHS = [BASE_DIR / "server/locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"
# Whose days are meant where no city says so: an observation's day, a report's day where there are several cities.
DEFAULT_TIME_ZONE = env.text("PANTAU_TIME_ZONE", "Asia/Jakarta")

# Coordinate reference systems that layers are served in beside CRS84, EPSG:4326 and EPSG:3857, by EPSG number.
LAYER_CRS = env.integers("PANTAU_CRS", "32748")
# Where the licence of what the layers show is written; a city that has chosen none says nothing of it.
LICENSE_URL = env.text("PANTAU_LICENSE", "")
# A map of somebody else's under the city's, whose origin alone the map page's security policy lets through.
BASEMAP = env.base_map("PANTAU_BASEMAP_URL", "PANTAU_BASEMAP_ATTRIBUTION")
# The index at the last bound of the ISPU table, which P.14/MENLHK/2020 leaves to be read as 400 or as 500.
ISPU_TOP = env.integer("PANTAU_ISPU_TOP", 500, minimum=400, maximum=500)
if ISPU_TOP not in (400, 500):
    env.fail("PANTAU_ISPU_TOP", f"must be 400 or 500, not {ISPU_TOP}")

STATIC_URL = "/static/"
STATIC_ROOT = HOME / "static"
# Only what is there: before the first `npm ci` there is no node_modules.
STATICFILES_DIRS = [
    (prefix, str(folder))
    for prefix, folder in [
        ("", BASE_DIR / "server/web/static"),
        ("maplibre-gl", BASE_DIR / "node_modules/maplibre-gl/dist"),
        ("uplot", BASE_DIR / "node_modules/uplot/dist"),
    ]
    if folder.is_dir()
]
# Photos lie in a folder, or in a bucket of any service that speaks S3, whose objects are read through this service only.
S3_BUCKET = env.text("PANTAU_S3_BUCKET", "")
STORAGES: dict[str, dict[str, object]] = {
    "default": env.bucket(S3_BUCKET) if S3_BUCKET else {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedStaticFilesStorage"},
}
MEDIA_ROOT = Path(env.text("PANTAU_MEDIA_ROOT", str(HOME / "media")))
MEDIA_URL = "/media/"
FILE_UPLOAD_MAX_MEMORY_SIZE = 2_621_440
DATA_UPLOAD_MAX_MEMORY_SIZE = 2_621_440

# The file that a process without a port touches while the database answers it (server/core/heartbeat.py).
HEARTBEAT = env.text("PANTAU_HEARTBEAT", "")

DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
AUTHENTICATION_BACKENDS = [
    # The first: who is locked out is asked for no password.
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
    "geo.reports.access.role_permissions.RoleBackend",
]
# Lock-out by name and address together: nobody can try many passwords for one name, nor lock another out from elsewhere.
AXES_FAILURE_LIMIT = env.integer("PANTAU_LOCKOUT_FAILURES", 5, minimum=1)
AXES_COOLOFF_TIME = timedelta(minutes=env.integer("PANTAU_LOCKOUT_MINUTES", 15, minimum=1))
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
# And by the address, behind which thousands of people may sit: so many failures that they are tries of one password for many names.
AXES_HANDLER = "geo.reports.access.lockout.LockoutHandler"
LOCKOUT_ADDRESS_FAILURES = env.integer("PANTAU_LOCKOUT_ADDRESS_FAILURES", 100, minimum=1)
AXES_CLIENT_IP_CALLABLE = "geo.reports.access.people.locked_address"
AXES_LOCKOUT_CALLABLE = "server.web.admin.lockout.locked_out"
# Who goes on trying during the lock-out does not lengthen it for the one who has the name.
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_RESET_ON_SUCCESS = True
# Who signed in from where, for ever, is more personal data than a lock-out needs.
AXES_DISABLE_ACCESS_LOG = True
AXES_VERBOSE = False
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = BASE_URL.startswith("https://")
SECURE_REFERRER_POLICY = "same-origin"
# server.web.forwarded lets these headers through from trusted proxies only.
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
USE_X_FORWARDED_HOST = USE_X_FORWARDED_PORT = True

REST_FRAMEWORK = {
    "EXCEPTION_HANDLER": "server.core.problems.drf_handler",
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    # A person by token, password or session: for the rooms that know nothing of how people are known.
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "geo.reports.access.authentication.PersonAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.DjangoModelPermissionsOrAnonReadOnly"],
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "URL_FORMAT_OVERRIDE": None,
    "UNICODE_JSON": True,
    "COERCE_DECIMAL_TO_STRING": False,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Pantau",
    "DESCRIPTION": "A city's map of what its citizens report and what its sensors measure.",
    "VERSION": "0.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "POSTPROCESSING_HOOKS": ["drf_spectacular.hooks.postprocess_schema_enums", "geo.ogc.openapi.add_layers"],
    "ENUM_NAME_OVERRIDES": {
        "ReportStatusEnum": "geo.reports.workflow.Status",
        "Open311StatusEnum": ["open", "closed"],
        "IncidentStatusEnum": "geo.operations.incidents.models.Incident.Status",
        "ReportKindEnum": "geo.reports.models.Report.Kind",
        "SubscriptionKindEnum": "geo.operations.notifications.models.Subscription.Kind",
        "ContactKindEnum": "geo.operations.field_links.models.AgencyContact.Kind",
        "InstructionStateEnum": "geo.operations.mayor.models.State",
        "PendingStateEnum": "sensors.ingest.pending.models.PendingThing.State",
        "BrokerStateEnum": ["created", "kept", "elsewhere", "failed"],
    },
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
}

# Debian 12's GDAL (3.6) cannot block what a spatial reference names. No request carries one: every CRS that is accepted
# from outside is a number from an allow-list, and files are imported by staff at the command line.
SILENCED_SYSTEM_CHECKS = ["gis.W001"]

# Letters: by a mail server, or unless one is named into a folder, where whoever runs the service can read them.
_mail = env.mail("PANTAU_EMAIL_URL")
EMAIL_BACKEND = _mail.backend
EMAIL_FILE_PATH = HOME / "mail"
EMAIL_HOST, EMAIL_PORT = _mail.host, _mail.port
EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = _mail.user, _mail.password
EMAIL_USE_TLS, EMAIL_USE_SSL = _mail.encryption == "STARTTLS", _mail.encryption == "TLS"
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = env.sender("PANTAU_EMAIL_FROM", None if _mail.host else "Pantau <pantau@localhost>")
# What links in letters begin with: no request says under which name the service is known.
LINK_URL = BASE_URL or f"http://127.0.0.1:{env.integer('PANTAU_PORT', 8000, minimum=1, maximum=65535)}"
# How many things one address, or one account, may be told of.
SUBSCRIPTIONS_MOST = env.integer("PANTAU_SUBSCRIPTIONS_MOST", 20, minimum=1)

# Where the stream of new observations is served; unless it is named, on this port of the host that was asked.
STREAM_URL = env.text("PANTAU_STREAM_URL", "").rstrip("/")
STREAM_PORT = env.integer("PANTAU_STREAM_PORT", 8500, minimum=1, maximum=65535)
# How many may listen to one process of it at a time.
STREAM_MOST = env.integer("PANTAU_STREAM_MOST", 1000, minimum=1)

TASKS = {"default": {"BACKEND": "django_tasks_db.DatabaseBackend"}}

# What an anonymous citizen may send in ten minutes: per device, and per network address behind which thousands may sit.
INTAKE_LIMIT_DEVICE = env.integer("PANTAU_INTAKE_LIMIT_DEVICE", 20, minimum=1)
INTAKE_LIMIT_ADDRESS = env.integer("PANTAU_INTAKE_LIMIT_ADDRESS", 3000, minimum=1)
# What one key of a channel may send in ten minutes, where the key itself says nothing else.
KEY_LIMIT = env.integer("PANTAU_KEY_LIMIT", 30000, minimum=1)
# Devices that publish and are not registered: what they send is in quarantine; they are noted, for somebody to approve them, where
# this says so, and at most so many new ones in an hour.
AUTO_PROVISION = env.choice("PANTAU_AUTO_PROVISION", ("off", "pending"))
PENDING_PER_HOUR = env.integer("PANTAU_PENDING_PER_HOUR", 100, minimum=1)
# How many readings a second one device may send for ever (0: no limit), and how many at once after a silence; and for how many
# minutes one that sends more is kept out of the broker (0: it is not).
DEVICE_RATE = env.integer("PANTAU_DEVICE_RATE", 50)
DEVICE_BURST = env.integer("PANTAU_DEVICE_BURST", 5000, minimum=1)
FLOOD_BLOCK = env.integer("PANTAU_FLOOD_BLOCK", 0)
# Networks inside which an address may be called that somebody else has named (a channel's, a photo's). Private ones, this
# machine's own among them, are refused otherwise.
OUTBOUND_ALLOW = env.networks("PANTAU_OUTBOUND_ALLOW")
# Who may read /metrics besides this machine: networks, and whoever shows the token.
METRICS_ALLOW = env.networks("PANTAU_METRICS_ALLOW")
METRICS_TOKEN = env.token("PANTAU_METRICS_TOKEN")
# How long personal data is kept after a report's last change, where its category does not say.
# So long a citizen can reopen a report by the link that came with the answer.
REOPEN_DAYS = env.integer("PANTAU_REOPEN_DAYS", 14, minimum=0)
# And so long that link is good for anything.
REPORT_LINK_DAYS = env.integer("PANTAU_REPORT_LINK_DAYS", 365, minimum=1)
# So long the link is good by which an agency without a workstation answers for a report.
FIELD_LINK_HOURS = env.integer("PANTAU_FIELD_LINK_HOURS", 72, minimum=1)
RETENTION_DAYS = env.integer("PANTAU_RETENTION_DAYS", 730, minimum=1)
# How long observations are kept in the database before they go to the archive's files; and their hourly rollups. 0: for ever.
RAW_DAYS = env.integer("PANTAU_RAW_DAYS", 0)
if 0 < RAW_DAYS < 31:
    env.fail("PANTAU_RAW_DAYS", f"must be 0 (for ever) or at least 31, not {RAW_DAYS}")
ROLLUP_YEARS = env.integer("PANTAU_ROLLUP_YEARS", 0, maximum=200)
if ROLLUP_YEARS and not 0 < RAW_DAYS <= 365 * ROLLUP_YEARS:
    env.fail("PANTAU_ROLLUP_YEARS", "needs PANTAU_RAW_DAYS, and no more days of it: rollups outlive raw observations")
ARCHIVE_DIR = Path(env.text("PANTAU_ARCHIVE_DIR", str(HOME / "archive")))

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
    "filters": {"tokens": {"()": "server.web.hidden_tokens.HideTokens"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["tokens"]}},
    # GDAL's errors are raised as well; those of a bad parameter are no errors of the service.
    # Pillow tells every tag of a photo's metadata: names and places among them.
    "loggers": {"django.contrib.gis": {"level": "CRITICAL"}, "PIL": {"level": "INFO"}},
    "root": {"handlers": ["console"], "level": env.text("PANTAU_LOG_LEVEL", "INFO").upper()},
}
