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

const ID_OF_ROLE = '/providers/Microsoft.Authorization/roleDefinitions'
const RESOURCES = '/subscriptions/s/resourceGroups/g/providers/Microsoft.EventGrid/namespaces'
const arm = (scope: string, role = 'd5a91429-5739-47e2-a06b-3470a27159e7') => ({
  name: 'one',
  properties: { principalId: 'p', roleDefinitionId: `${ID_OF_ROLE}/${role}`, scope }
})

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
    'two clients of one authentication name',
    { clients: [{ name: 'dev1' }, { name: 'dev2', authenticationName: 'DEV1' }] },
    'clients/dev2/authenticationName: there is another client of the name dev1'
  ],
  [
    'a group with a query that is none',
    { clientGroups: [{ name: 'meters', query: "attributes.kind = 'meter' and" }] },
    'clientGroups/meters/query: the query ends where an attribute should be'
  ],
  [
    'a template that is none',
    { topicSpaces: [{ name: 'lab', topicTemplates: ['a', 'b/${client.name}'] }] },
    "topicSpaces/lab/topicTemplates/1: topic template 'b/${client.name}' has an unknown variable 'client.name'"
  ],
  [
    'an address that is none',
    { inboundIpRules: [{ ipMask: '10.0.0.0/8' }, { ipMask: 'here' }] },
    'inboundIpRules: here is no address and no CIDR range such as 10.0.0.0/8'
  ],
  [
    'a role of nobody',
    { roleAssignments: [{ name: 'one', role: 'EventGrid Data Sender' }] },
    'roleAssignments/one/principalId: is missing'
  ],
  [
    'an assignment of no role',
    { roleAssignments: [ROLE] },
    'roleAssignments/one/role: is missing; give it, or the roleDefinitionId'
  ],
  [
    'a role that gives no right here',
    {
      roleAssignments: [
        {
          ...ROLE,
          roleDefinitionName: 'Owner',
          roleDefinitionId: `${ID_OF_ROLE}/8e3af657-a8ff-443c-a75c-2fe8c4bcb635`
        }
      ]
    },
    `roleAssignments/one/roleDefinitionId: ${ID_OF_ROLE}/8e3af657-a8ff-443c-a75c-2fe8c4bcb635 (Owner) gives no right on events or topic spaces; leave the assignment out`
  ],
  [
    'a role on another namespace',
    { roleAssignments: [arm(`${RESOURCES}/labns`)] },
    'roleAssignments/one/properties/scope: is of the namespace labns, and this one is default; give it that name, or leave the assignment out'
  ],
  [
    'a role on another resource',
    { roleAssignments: [arm('/subscriptions/s/providers/Microsoft.Storage/accounts/a')] },
    'roleAssignments/one/properties/scope: /subscriptions/s/providers/Microsoft.Storage/accounts/a is neither a namespace, nor a topic space or topic of one, nor what a namespace is in'
  ],
  [
    'a role by its id on a topic that is not there',
    { roleAssignments: [arm(`${RESOURCES}/default/topics/orders`)] },
    'roleAssignments/one/topic: there is no topic orders'
  ],
  [
    'a fault in a second namespace',
    {
      namespaces: [
        { name: 'labns', topicSpacesConfiguration: { routeTopicResourceId: '/topics/none' } }
      ]
    },
    'namespaces/labns/topicSpacesConfiguration/routeTopicResourceId: there is no topic /topics/none'
  ],
  [
    'a role on what is not there in a second namespace',
    { namespaces: [{ name: 'labns', roleAssignments: [arm(`${RESOURCES}/labns/topics/none`)] }] },
    'namespaces/labns/roleAssignments/one/topic: there is no topic none'
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

/** A role by its id, where it holds, and what the principal may do on two topics and two topic spaces. */
const ASSIGNED: [what: string, assignment: object, may: Record<string, boolean>][] = [
  [
    'an assignment as ARM has it, on a topic',
    {
      id: '/any',
      type: 'Microsoft.Authorization/roleAssignments',
      name: 'one',
      properties: {
        principalId: 'P1',
        principalType: 'ServicePrincipal',
        roleDefinitionId: `/subscriptions/s${ID_OF_ROLE}/D5A91429-5739-47e2-a06b-3470a27159e7`,
        scope: `${RESOURCES}/default/topics/orders`,
        condition: null,
        createdOn: '2026-01-02T03:04:05Z'
      }
    },
    { orders: true, others: false, lab: false, far: false }
  ],
  [
    'an assignment as the CLI shows it, on a topic space',
    {
      name: 'one',
      principalId: 'p1',
      principalName: 'app',
      principalType: 'ServicePrincipal',
      resourceGroup: 'g',
      roleDefinitionId: `${ID_OF_ROLE}/a12b0b94-b317-4dcd-84a8-502ce99884c6`,
      roleDefinitionName: 'EventGrid TopicSpaces Publisher',
      scope: `${RESOURCES}/DEFAULT/topicSpaces/lab`
    },
    { orders: false, others: false, lab: true, far: false }
  ],
  [
    'one on the namespace, without a name',
    {
      principalId: 'p1',
      roleDefinitionId: 'a12b0b94-b317-4dcd-84a8-502ce99884c6',
      scope: `${RESOURCES}/default`
    },
    { orders: false, others: false, lab: true, far: true }
  ],
  ...['/', '/subscriptions/s', '/subscriptions/s/resourceGroups/g'].map(
    (scope): (typeof ASSIGNED)[number] => [
      `one on ${scope}`,
      arm(scope, '1d8c3fe3-8864-474b-8749-01e3783e8157'),
      { orders: true, others: true, lab: false, far: false }
    ]
  ),
  [
    'the subscriber, who publishes nothing',
    arm(`${RESOURCES}/default`, '4b0f2fd7-60b4-4eca-896f-4435034f8bf5'),
    { orders: false, others: false, lab: false, far: false }
  ],
  [
    'the receiver, who publishes nothing',
    arm(`${RESOURCES}/default`, '78cbd9e7-9798-4e2e-9b5a-547d9ebb31fb'),
    { orders: false, others: false, lab: false, far: false }
  ]
]
for (const [what, assignment, may] of ASSIGNED) {
  references(`${what}, counts`, () => {
    const settings: Settings = {
      topics: [{ name: 'orders' }, { name: 'others' }],
      topicSpaces: [SPACE, { name: 'far', topicTemplates: ['far/#'] }],
      roleAssignments: [assignment]
    }
    return withNamespace({ settings }, async (world) => {
      const oid = JSON.stringify(assignment).includes('"p"') ? 'p' : 'p1'
      const token = await world.mint({ oid })
      const publish = (target: string) =>
        world.signed(
          { target, body: '[]', headers: { 'content-type': 'application/cloudevents-batch+json' } },
          token
        )
      const done: Record<string, boolean> = {}
      for (const topic of ['orders', 'others']) {
        const { status } = await publish(`/topics/${topic}:publish?api-version=2024-06-01`)
        done[topic] = status === 200
      }
      for (const space of ['lab', 'far']) {
        const { status } = await publish(`/mqtt/messages?topic=${space}%2Fa&api-version=v`)
        done[space] = status === 204
      }
      assert.equal(done, may)
    })
  })
}

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
    {
      topics: [
        {
          name: 'orders',
          eventSubscriptions: [
            {
              name: 'one',
              deliveryConfiguration: {
                deliveryMode: 'Push',
                push: { destination: { endpointType: 'EventHub', properties: {} } }
              }
            }
          ]
        }
      ]
    },
    /azure-event-grid-namespaces\.topics\.0\.eventSubscriptions\.0\.deliveryConfiguration\.push\.destination\.endpointType" is "EventHub", but it must be equal to one of the allowed values: WebHook, NamespaceTopic/
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
