# The image of Everpost, for any architecture that the wheels in uv.lock are for: nothing is compiled. It runs
# `everpost serve` unless told otherwise, with /etc/everpost/everpost.toml as its configuration and 10001 as its user.
#
# Reproducible: dependencies, and what builds Everpost's own wheel, are those of uv.lock by their digests; bytecode and
# times of files depend on SOURCE_DATE_EPOCH alone. A release names its base by the digest: --build-arg BASE=…@sha256:…
ARG BASE=docker.io/library/python:3.13-slim-bookworm

# Runs on the machine that builds, for whichever architecture it builds: it lays out wheels, and runs none of them.
FROM --platform=${BUILDPLATFORM} ${BASE} AS build
ARG TARGETARCH
# An index of yours may stand in for PyPI.
ARG UV_DEFAULT_INDEX
ARG EXTRAS="postgres kafka otel webhooks"
ARG SOURCE_DATE_EPOCH=0
ENV UV_LINK_MODE=copy UV_NATIVE_TLS=1 UV_NO_CACHE=1 UV_PYTHON_DOWNLOADS=never PYTHONHASHSEED=0
WORKDIR /src
COPY tools/get_uv.py tools/
RUN python3 tools/get_uv.py /usr/local/bin

COPY pyproject.toml uv.lock ./
RUN case "${TARGETARCH}" in amd64) machine=x86_64 ;; arm64) machine=aarch64 ;; *) exit 1 ;; esac \
 && for name in ${EXTRAS}; do set -- "$@" --extra "${name}"; done \
 && uv export --quiet --frozen --no-default-groups "$@" --no-emit-project --output-file requirements.txt \
 && uv export --quiet --frozen --only-group dev --no-emit-project --output-file builders.txt \
 && uv venv --quiet --python python3 /venv \
 && uv pip install --quiet --python /venv/bin/python --python-platform "${machine}-manylinux_2_28" \
    --require-hashes --only-binary :all: --requirements requirements.txt

COPY README.md LICENSE ./
COPY src src
RUN uv build --quiet --python python3 --wheel --build-constraints builders.txt --require-hashes --out-dir dist \
 && uv pip install --quiet --python /venv/bin/python --no-deps --no-index --find-links dist everpost \
 && rm /venv/.lock /venv/lib/python3.*/site-packages/everpost-*.dist-info/uv_cache.json \
 && sed --in-place /uv_cache.json/d /venv/lib/python3.*/site-packages/everpost-*.dist-info/RECORD \
 && /venv/bin/python -m compileall -q --invalidation-mode unchecked-hash /venv/lib \
 && mkdir /etc/everpost \
 && find /venv /etc/everpost -exec touch --no-dereference --date="@${SOURCE_DATE_EPOCH}" {} +

FROM ${BASE}
COPY --from=build /venv /venv
COPY --from=build /etc/everpost /etc/everpost
# Lines of the log go out at once; nothing is ever written beside the interpreter.
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 HOME=/tmp EVERPOST_HTTP_HOST=0.0.0.0
WORKDIR /etc/everpost
USER 10001:10001
EXPOSE 8025 8030
# The process is the first one of its container: it ends on SIGTERM by itself, and needs no init. Whether it is well is
# asked from outside, since `serve` and `work` answer on ports of their own: see deploy/compose and deploy/helm.
ENTRYPOINT ["everpost"]
CMD ["serve"]
