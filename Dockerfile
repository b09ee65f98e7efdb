FROM python:3.11-slim

ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 OMP_WAIT_POLICY=PASSIVE
RUN useradd --system --create-home --uid 10001 movierec
WORKDIR /srv/movierec

# torch by itself first: PyTorch's CPU build, without gigabytes of CUDA packages.
RUN pip install --no-deps --index-url https://download.pytorch.org/whl/cpu torch==2.13.0
COPY requirements.txt ./
COPY requirements-s3.txt ./
COPY requirements-kafka.txt requirements-tracing.txt ./
RUN pip install -r requirements.txt -r requirements-s3.txt -r requirements-kafka.txt -r requirements-tracing.txt

COPY manage.py ./
COPY movierec ./movierec
COPY infrastructure ./infrastructure
COPY catalog ./catalog
COPY recommender ./recommender

# Models and checkpoints, shared by web and workers. Group 0 may write, as a cluster may run any other user in it; nothing
# else is written to but /tmp, so the rest may be mounted read-only. A user without a name has this one.
RUN install -d -o movierec -g 0 -m 2775 /var/lib/movierec && chmod -R a+rX /srv/movierec
ENV MOVIEREC_STATE=/var/lib/movierec MOVIEREC_BIND=0.0.0.0 PORT=8000 HOME=/tmp USER=movierec
VOLUME /var/lib/movierec
USER movierec
EXPOSE 8000
CMD ["python", "-m", "gunicorn", "-c", "movierec/gunicorn.py", "movierec.wsgi"]
