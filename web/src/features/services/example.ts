/** A service file that can be applied as it is, once its image is there. */
export const EXAMPLE = `name: hello
services:
  web:
    image: docker.io/library/nginx:1.27
    ports: ["80"]              # on a free port of the host
    deploy: {replicas: 2}
    x-rollcall:
      place: {spread: [zone]}  # not all in one zone
      checks: [{http: /, port: 80}]
`
