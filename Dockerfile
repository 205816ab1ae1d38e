# One image for every process of docker-compose.yml. Built by any Docker: nothing here needs BuildKit.
FROM python:3.11-slim-bookworm

# GDAL for GeoDjango (and PROJ and GEOS with it).
RUN apt-get update \
    && apt-get install -y --no-install-recommends gdal-bin \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 1000 --user-group --home-dir /var/lib/pantau --create-home pantau

WORKDIR /srv/pantau
ENV PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    DJANGO_SETTINGS_MODULE=server.settings \
    MPLCONFIGDIR=/tmp/matplotlib \
    PANTAU_HOME=/var/lib/pantau

# What changes least comes first, so that a change of code does not install everything again.
COPY requirements.lock ./
RUN pip install --no-cache-dir --require-hashes -r requirements.lock
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund && rm -rf /root/.npm

COPY . .
# The settings want these two to be there; neither is used or kept.
RUN PANTAU_SECRET_KEY=only-for-this-step DATABASE_URL=postgres://none@localhost/none \
        python manage.py collectstatic --noinput --verbosity 0 --ignore '*.map' --ignore '*-dev.*' \
    && install -d -o pantau -g pantau /var/lib/pantau/media /var/lib/pantau/archive /var/lib/pantau/mail /var/lib/pantau/broker

USER pantau
EXPOSE 8000
CMD ["python", "-m", "gunicorn", "server.wsgi:application", "--bind", "0.0.0.0:8000"]
