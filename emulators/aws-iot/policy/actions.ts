import type { Call } from '@fogbank/personality'

/** An action and what it is done to, the latter as it ends an ARN: `topic/a`. `*`: to nothing in particular. */
export interface Wish {
  action: string
  resource: string
}

/** As the log has it. */
export const toText = ({ action, resource }: Wish): string => `${action} ${resource}`

type Wishes = (call: Call) => Wish[]

const to =
  (action: string, resource: (call: Call) => string): Wishes =>
  (call) => [{ action: `iot:${action}`, resource: resource(call) }]

const anything = () => '*'
const topic = ({ params }: Call) => `topic/${params.topic}`
const thing = ({ params }: Call) => `thing/${params.thingName}`
const client = ({ params }: Call) => `client/${params.clientId}`
const policy = ({ params }: Call) => `policy/${params.policyName}`
/** A named shadow is a resource of its own. */
const shadow = ({ params, query }: Call) =>
  query.name === undefined ? `thing/${params.thingName}` : `thing/${params.thingName}/${query.name}`

/**
 * The permissions that each operation of the data plane asks for.
 * @see https://docs.aws.amazon.com/iot/latest/developerguide/iot-action-resources.html
 */
const DATA_PLANE: Record<string, Wishes> = {
  Publish: (call) => {
    const wishes = [{ action: 'iot:Publish', resource: topic(call) }]
    if (call.query.retain?.toLowerCase() === 'true') {
      wishes.push({ action: 'iot:RetainPublish', resource: topic(call) })
    }
    return wishes
  },
  GetRetainedMessage: to('GetRetainedMessage', topic),
  ListRetainedMessages: to('ListRetainedMessages', anything),
  GetThingShadow: to('GetThingShadow', shadow),
  UpdateThingShadow: to('UpdateThingShadow', shadow),
  DeleteThingShadow: to('DeleteThingShadow', shadow),
  ListNamedShadowsForThing: to('ListNamedShadowsForThing', thing),
  GetConnection: to('GetConnection', client),
  DeleteConnection: to('DeleteConnection', client),
  ListSubscriptions: to('ListSubscriptions', client),
  SendDirectMessage: to('SendDirectMessage', client)
}

/** The same of the control plane, whose calls are signed for `iot`. */
const CONTROL_PLANE: Record<string, Wishes> = {
  DescribeEndpoint: to('DescribeEndpoint', anything),
  CreateThing: to('CreateThing', thing),
  DescribeThing: to('DescribeThing', thing),
  ListThings: to('ListThings', anything),
  DeleteThing: to('DeleteThing', thing),
  CreateKeysAndCertificate: to('CreateKeysAndCertificate', anything),
  CreatePolicy: to('CreatePolicy', policy),
  AttachPolicy: to('AttachPolicy', anything),
  AttachThingPrincipal: to('AttachThingPrincipal', anything),
  DetachThingPrincipal: to('DetachThingPrincipal', anything)
}

export function isControlPlane(operationName: string): boolean {
  return operationName in CONTROL_PLANE
}

/** What a call wants to be allowed; nothing, where the gateway asks later: a WebSocket at its CONNECT. */
export function wishesOf(call: Call): Wish[] {
  const wishes = DATA_PLANE[call.operationName] ?? CONTROL_PLANE[call.operationName]
  return wishes?.(call) ?? []
}
