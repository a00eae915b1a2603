import { Hono, type Context } from 'hono'
import { compileSchema, SettingsError } from '@fogbank/personality'
import { isHubName } from '../names.ts'
import { hubSchema, type HubSettings } from '../settings.ts'
import type { HubSettingsTable } from './hub-settings.ts'

/** Hub settings as one's own tools read and change them, in place of the portal's. */
export function createControl(table: HubSettingsTable): Hono {
  const app = new Hono()
  const validate = compileSchema(hubSchema)

  function hubOf(c: Context): string {
    const hub = c.req.param('hub') ?? ''
    if (!isHubName(hub)) throw new SettingsError(`"${hub}" is no hub name; it begins with a letter`)
    return hub.toLowerCase()
  }

  app.get('/hubs', (c) => c.json(Object.fromEntries(table.all())))
  app.get('/hubs/:hub', (c) => c.json(table.get(hubOf(c))))
  app.put('/hubs/:hub', async (c) => {
    const body: unknown = await c.req.json().catch((cause: Error) => {
      throw new SettingsError(`the body is not JSON: ${cause.message}`)
    })
    const fault = validate(body)
    if (fault) {
      const where = fault.path ? `"${fault.path.slice(1)}"` : 'the body'
      const property = fault.property ? ` ("${fault.property}")` : ''
      const keys = Object.keys(hubSchema.properties as object).join(', ')
      throw new SettingsError(`${where} ${fault.sentence}${property}; a hub has ${keys}`)
    }
    table.set(hubOf(c), body as HubSettings)
    return c.json(body as HubSettings)
  })
  app.delete('/hubs/:hub', (c) => {
    table.remove(hubOf(c))
    return c.body(null, 204)
  })
  return app
}
