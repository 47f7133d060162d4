# syntax=docker/dockerfile:1.7
# The mall as one static program with its UI inside, run as nobody on a small base.
#   docker build --build-arg VERSION=$(git describe --tags --always) -t mall .
# Pin the bases by digest in your registry's mirror where builds must repeat to the byte.

FROM node:24.21-trixie-slim AS ui
WORKDIR /src/web
COPY web/package.json web/package-lock.json web/.npmrc ./
RUN --mount=type=cache,target=/root/.npm npm ci --omit=dev
COPY web/ ./
RUN npm run build

FROM golang:1.26.11-trixie AS program
WORKDIR /src
COPY go.mod go.sum ./
RUN --mount=type=cache,target=/go/pkg/mod go mod download
COPY cmd/ cmd/
COPY configs/ configs/
COPY migrations/ migrations/
COPY modules/ modules/
COPY web/*.go web/
COPY --from=ui /src/web/dist/ web/dist/
ARG VERSION=unversioned
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build \
    CGO_ENABLED=0 go build -buildvcs=false -trimpath -ldflags "-s -w -X main.version=${VERSION}" -o /mall ./cmd/mall

# Alpine rather than distroless for its wget, which the health check needs.
FROM alpine:3.24
RUN adduser -D -H -u 65532 mall
COPY --from=program /mall /usr/local/bin/mall
USER 65532:65532
# Inside a container the published ports are the only way in, so listen on every address of it. Never publish 8081.
ENV MALL_HTTP__ADDR=:8080 MALL_HTTP__INTERNAL_ADDR=:8081 MALL_HTTP__INTERNAL_EXPOSED=true
EXPOSE 8080 8081
# Liveness only: an outage of the database or of Redis must not make every instance "unhealthy" at once.
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 \
    CMD wget -q -O /dev/null http://127.0.0.1:8080/healthz || exit 1
STOPSIGNAL SIGTERM
ENTRYPOINT ["mall"]
CMD ["serve"]
