# An image with what running takes: libbpf, Node, the compiled programs and the production packages; no compiler.
#   docker build -t ebpf-meter .
# BASE is any Debian or Ubuntu with libbpf 1.1 or newer.
ARG BASE=debian:trixie-slim

FROM ${BASE} AS build
RUN apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates clang libbpf-dev libbpf1 nodejs npm
# npm, too, is to trust a CA that the base image brings, as a company's proxy needs.
ENV NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt
WORKDIR /build
COPY . .
RUN npm run build \
 && mkdir -p /image/opt/ebpf-meter/build /image/usr/local/bin \
 && strip -o /image/usr/local/bin/node "$(readlink -f node_modules/.bin/node)" \
 && cp -r package.json package-lock.json LICENSE dist config /image/opt/ebpf-meter/ \
 && cp -r build/programs /image/opt/ebpf-meter/build/
RUN cd /image/opt/ebpf-meter \
 && npm ci --omit=dev --ignore-scripts --no-audit --no-fund \
 && find node_modules -name '*.map' -delete \
 && find node_modules -type d -empty -delete \
 && rm package-lock.json

FROM ${BASE}
RUN apt-get update \
 && apt-get install -y --no-install-recommends libbpf1 libatomic1 \
 && rm -rf /var/lib/apt/lists/* /var/cache/debconf/*
COPY --from=build /image /
RUN ln -s /opt/ebpf-meter/dist/main.js /usr/local/bin/ebpf-meter
# Scraped from outside the container, unless it shares the host's network and says otherwise.
ENV EBPF_METER_HOST=0.0.0.0 EBPF_METER_PORT=9435
EXPOSE 9435
HEALTHCHECK --interval=30s --timeout=5s --start-period=10s \
  CMD ["node", "-e", "fetch(`http://localhost:${process.env.EBPF_METER_PORT}/-/healthy`).then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "--disable-sigusr1", "--max-semi-space-size=2", "/opt/ebpf-meter/dist/main.js"]
CMD ["run", "--config", "/opt/ebpf-meter/config/ebpf-meter.yaml"]
