# The console, or the routes alone, as an unprivileged user. Build: docker build -t orchestrator-console .
FROM python:3.13-slim AS packages
COPY requirements.txt .
RUN python -m venv /venv && /venv/bin/pip install --no-cache-dir --no-compile -r requirements.txt && \
    /venv/bin/python -m compileall -q /venv/lib

FROM python:3.13-slim
RUN useradd --create-home --uid 10001 console
COPY --from=packages /venv /venv
WORKDIR /console
COPY --chown=root:root app.py pyproject.toml ./
COPY --chown=root:root .streamlit/config.toml .streamlit/config.toml
COPY --chown=root:root orchestrator orchestrator
COPY --chown=root:root pages pages
COPY --chown=root:root queries queries
COPY --chown=root:root server server
COPY --chown=root:root store store
COPY --chown=root:root supabase/migrations supabase/migrations
# The outbox: keep it on a volume, so that what waits for the database survives the container.
RUN mkdir /data && chown console /data
VOLUME /data
USER console
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 ORCHESTRATOR_DATA_DIR=/data \
    STREAMLIT_SERVER_ADDRESS=0.0.0.0 ORCHESTRATOR_SERVER_ADDRESS=0.0.0.0
EXPOSE 8501 8502
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s \
    CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8501/_stcore/health', timeout=4)"]
CMD ["python", "-m", "streamlit", "run", "app.py"]
