import { randomBytes } from 'node:crypto'
import { ImagesService } from '../../images/index.ts'
import { addReportingHost } from '../../testing/reporting-host.ts'
import { type TestRequest, TestServer } from '../../testing/test-server.ts'

export const SHOP = `name: shop
services:
  web:
    image: registry.lan/web:1
    ports: ["80"]
    environment: {TOKEN: canary-4711}
    deploy: {replicas: 2}
    x-rollcall: {pull: host}
  db:
    image: registry.lan/db:1
    ports: ["5432:5432"]
    volumes: ["data:/data"]
    x-rollcall: {pull: host}
volumes:
  data:
`

/** A server with three hosts that plans services. */
export class PlanningServer {
  readonly hosts = ['app-1', 'app-2', 'app-3']

  private constructor(readonly server: TestServer) {}

  static async open(): Promise<PlanningServer> {
    const planning = new PlanningServer(await TestServer.open())
    for (const name of planning.hosts)
      await addReportingHost(planning.server.test.database, name, { ports: [22] })
    return planning
  }

  /** Removes services and plans, and makes hosts as they were. */
  async reset(): Promise<void> {
    for (const table of ['service', 'service_plan', 'instance_volume', 'image'])
      await this.query(`DELETE FROM ${table}`)
    await this.query("UPDATE host SET state = 'online', labels = '{}'")
  }

  close = () => this.server[Symbol.asyncDispose]()

  query = (sql: string, values: unknown[] = []) => this.server.test.database.query(sql, values)

  post = (path: string, body: object = {}, as: TestRequest = { key: this.server.localKey }) =>
    this.server.ask(path, { method: 'POST', body, ...as })

  get = async (path: string) => (await this.server.ask(path, { key: this.server.localKey })).json

  /** Plans a file that is right. */
  async plan(text: string, more: object = {}) {
    const { status, json, code } = await this.post('/api/service-plans', { text, ...more })
    if (status !== 200 || !json.plan) throw new Error(`${code}: ${JSON.stringify(json)}`)
    return json.plan
  }

  apply = (id: string) => this.post(`/api/service-plans/${id}/apply`)

  /** Plans and applies a file that is right. */
  async planAndApply(text: string, more: object = {}) {
    const { status, json } = await this.apply((await this.plan(text, more)).id)
    if (status !== 202) throw new Error(JSON.stringify(json))
    return json
  }

  count = async (table: string) => Number((await this.query(`SELECT count(*)::int AS n FROM ${table}`))[0]?.n)

  /** Stores what a server knows of an image, as `NAME:1`, without its content. Returns its id. */
  async addImage(repository: string, architecture: 'amd64' | 'arm64'): Promise<string> {
    const digest = () => `sha256:${randomBytes(32).toString('hex')}`
    const image = {
      digest: digest(),
      variants: [{ architecture, digest: digest(), mediaType: 'm', bytes: 1, blobs: [] }],
    }
    const about = { repository, tag: '1', source: 'archive' as const, addedBy: 'ada' }
    return (await this.server.app.get(ImagesService, { strict: false }).keep(about, image)).id
  }
}
