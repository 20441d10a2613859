# The image of Gatehouse: docs/docker.md says how to run, build and check it.
# The base needs Node.js 20.19 or newer and a user with id 1000; a digest here makes a build repeatable.
ARG BASE=node:24-alpine

FROM ${BASE} AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY tsconfig.json tsconfig.build.json vite.config.ts ./
COPY src ./src
COPY ui ./ui
RUN npm run build

# A stage of its own: a change of the sources leaves this, the larger layer, as it is.
FROM ${BASE} AS dependencies
WORKDIR /app
COPY LICENSE package.json package-lock.json ./
# The modes of LICENSE and package.json come from the checkout, which may be private to its owner.
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund \
  && rm package-lock.json node_modules/.package-lock.json \
  && chmod -R a+rX .

# No WORKDIR: relative paths of a fabio.properties count from /, as in fabio's image.
FROM ${BASE}
COPY --from=dependencies /app /app
COPY --from=build /app/dist /app/dist
ENV NODE_ENV=production

# The user "node", by its number: so Kubernetes' runAsNonRoot can see that it is not root.
USER 1000:1000
EXPOSE 9998 9999

# Asks with the arguments that the gateway has, which may move its port: those of PID 1, also below `--init`.
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 CMD ["node", "-e", "\
  const main = '/app/dist/main.js';\
  const words = require('fs').readFileSync('/proc/1/cmdline', 'utf8').split('\\0').slice(0, -1);\
  const at = words.indexOf(main);\
  const given = at === -1 ? [] : words.slice(at + 1);\
  if (given.length > 0 && !given[0].startsWith('-')) given.shift();\
  process.argv = [process.execPath, main, 'health', ...given];\
  import(main)"]

# Exec form: node is PID 1, gets SIGTERM itself, and what follows the image's name are the gateway's flags. There is no
# default -cfg: /etc/fabio/fabio.properties is read where it exists.
ENTRYPOINT ["node", "/app/dist/main.js"]

# Last, for they change with every build.
ARG VERSION=unreleased
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Gatehouse" \
  org.opencontainers.image.description="A dynamic HTTP gateway for Consul, drop-in replacement of fabio" \
  org.opencontainers.image.licenses="MIT" \
  org.opencontainers.image.version="${VERSION}" \
  org.opencontainers.image.revision="${REVISION}"
