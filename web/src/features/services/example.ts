/** A service file that can be applied as it is, once its image is there. */
export const EXAMPLE = `name: hello
services:
  web:
    image: docker.io/library/nginx:1.27
    ports: ["80"]                  # a free port of the host is chosen
    deploy: {replicas: 2}
    x-rollcall:
      place: {spread: [zone]}      # one instance in each zone, as far as there are any
      checks: [{http: /, port: 80}]
`
