// Configurations that make no sense are refused at start, with the path of the key.
import { startFogbank } from 'fogbank'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Settings } from './settings.ts'
import { withNamespace } from './testing.ts'

const ID = 'azure-event-grid-namespaces'
const SPACE = { name: 'lab', topicTemplates: ['lab/#'] }
const BINDING = {
  name: 'one',
  clientGroupName: '$all',
  topicSpaceName: 'lab',
  permission: 'Publisher' as const
}
const ROLE = { name: 'one', principalId: 'p' }

const references = suite('azure-event-grid-namespaces settings')

const messageOf = (made: Promise<unknown>): Promise<string | undefined> =>
  made.then(
    () => undefined,
    (error: Error) => error.message
  )

const CASES: [what: string, settings: Settings, message: string][] = [
  [
    'a binding of a group that is not there',
    { topicSpaces: [SPACE], permissionBindings: [{ ...BINDING, clientGroupName: 'nobody' }] },
    'permissionBindings/one/clientGroupName: there is no client group nobody'
  ],
  [
    'a binding to a topic space that is not there',
    { permissionBindings: [BINDING] },
    'permissionBindings/one/topicSpaceName: there is no topic space lab'
  ],
  [
    'a role on a topic space that is not there',
    {
      roleAssignments: [{ ...ROLE, role: 'EventGrid TopicSpaces Publisher', topicSpace: 'lab' }]
    },
    'roleAssignments/one/topicSpace: there is no topic space lab'
  ],
  [
    'a role on a topic that is not there',
    { roleAssignments: [{ ...ROLE, role: 'EventGrid Data Sender', topic: 'orders' }] },
    'roleAssignments/one/topic: there is no topic orders'
  ],
  [
    'a role of topics on a topic space',
    { roleAssignments: [{ ...ROLE, role: 'EventGrid Data Sender', topicSpace: 'all' }] },
    'roleAssignments/one/topicSpace: EventGrid Data Sender is a role on topics'
  ],
  [
    'a role of topic spaces on a topic',
    {
      roleAssignments: [{ ...ROLE, role: 'EventGrid TopicSpaces Publisher', topic: 'default' }]
    },
    'roleAssignments/one/topic: EventGrid TopicSpaces Publisher is a role on topic spaces'
  ],
  [
    'two topic spaces of one name',
    { topicSpaces: [SPACE, SPACE] },
    'topicSpaces: there are two named lab'
  ],
  [
    'two clients of one name',
    { clients: [{ name: 'dev1' }, { name: 'dev1', authenticationName: 'other' }] },
    'clients: there are two named dev1'
  ],
  [
    'two bindings of one name',
    { topicSpaces: [SPACE], permissionBindings: [BINDING, BINDING] },
    'permissionBindings: there are two named one'
  ],
  [
    'two topics of one name',
    { topics: [{ name: 'orders' }, { name: 'orders' }] },
    'topics: there are two named orders'
  ],
  [
    'two subscriptions of one name',
    { topics: [{ name: 'orders', eventSubscriptions: [{ name: 'one' }, { name: 'one' }] }] },
    'topics/orders/eventSubscriptions: there are two named one'
  ],
  [
    'attributes of 4097 bytes',
    { clients: [{ name: 'dev1', attributes: { a: 'x'.repeat(4_089) } }] },
    'clients/dev1/attributes: has 4097 bytes, but at most 4096 fit'
  ]
]
for (const [what, settings, message] of CASES) {
  references(`with ${what} are refused`, async () => {
    assert.is(await messageOf(withNamespace({ settings }, async () => {})), message)
  })
}

references('with attributes of 4096 bytes are good', () =>
  withNamespace(
    { settings: { clients: [{ name: 'dev1', attributes: { a: 'x'.repeat(4_088) } }] } },
    async () => {}
  )
)

/** Keys as the schema has them: whoever starts the suite is told the way there. */
const UNKNOWN: [settings: object, message: RegExp][] = [
  [{ topicSpace: [] }, /unknown key "topicSpace" in "azure-event-grid-namespaces"; did you mean/],
  [
    { topicSpacesConfiguration: { routeTopic: 'x' } },
    /unknown key "routeTopic" in "azure-event-grid-namespaces\.topicSpacesConfiguration"/
  ],
  [
    { topics: [{ name: 'orders', eventSubscriptions: [{ name: 'one', mode: 'Queue' }] }] },
    /unknown key "mode" in "azure-event-grid-namespaces\.topics\.0\.eventSubscriptions\.0"/
  ],
  [
    {
      topics: [
        {
          name: 'orders',
          eventSubscriptions: [
            {
              name: 'one',
              deliveryConfiguration: {
                deliveryMode: 'Push',
                push: { destination: { endpointType: 'WebHook', properties: { url: 'x' } } }
              }
            }
          ]
        }
      ]
    },
    /unknown key "url" in "azure-event-grid-namespaces\.topics\.0\.eventSubscriptions\.0\.deliveryConfiguration\.push\.destination\.properties"/
  ],
  [
    { namespaces: [{ name: 'labns', clients: [{ name: 'dev1', colour: 'red' }] }] },
    /unknown key "colour" in "azure-event-grid-namespaces\.namespaces\.0\.clients\.0"/
  ]
]
references('with unknown keys are refused', async () => {
  const log = { info: () => {}, warn: () => {}, error: () => {} }
  for (const [settings, message] of UNKNOWN) {
    const started = startFogbank({ only: [ID], log, config: { [ID]: settings } })
    assert.match((await messageOf(started)) ?? 'it started', message)
  }
})

references.run()
