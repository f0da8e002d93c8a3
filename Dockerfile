# R, lme4 and pylme on Debian 13, which has R 4.5 and Python 3.13:
#   docker build --tag pylme .
#   docker run --rm --volume "$PWD:/data" pylme check data.csv "y ~ x + (x | g)"
FROM debian:trixie-slim

SHELL ["/bin/bash", "-o", "pipefail", "-c"]
WORKDIR /opt/pylme

COPY r_scripts r_scripts
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates python3 \
    && r_scripts/install.sh \
    && rm -rf /var/lib/apt/lists/*

COPY pyproject.toml README.md LICENSE CHANGELOG.md ./
COPY pylme pylme
# hadolint ignore=DL3042
RUN r_scripts/install_python.sh \
    && useradd --uid 1000 --create-home analyst \
    && mkdir /data \
    && chown analyst /data

ENV PATH="/opt/pylme/.venv/bin:$PATH"
USER 1000
WORKDIR /data
ENTRYPOINT ["pylme"]
CMD ["doctor"]
