export { createCore, type Core, type CoreOptions, type CoreLog } from './core.ts'
export { type Space, type SpaceListener } from './space.ts'
export type { KeyRange, RecordChange, Records } from './records.ts'
export type { Sink, SinkEvent, Sinks } from './sinks.ts'
export type { Bounds } from './bounds.ts'
export type { Clients, SendResult, SubscriptionOrder } from './clients.ts'
export type { Retained } from './retained.ts'
export { acceptMqtt, type MqttDoor } from './session/accept.ts'
export type { Reauthentication } from './session/authenticate.ts'
export type { ClientSession, Subscription } from './session/entry.ts'
export type {
  Admission,
  Challenge,
  Client,
  ConnectRequest,
  MqttPolicy,
  ProtocolVersion,
  Refusal,
  SubscriptionRequest
} from './session/policy.ts'
export type { DisconnectCause, Peer, Session, SessionEvent } from './session/session.ts'
export type {
  Message,
  MessageProperties,
  Origin,
  Published,
  QoS,
  RetainedMessage,
  UserProperty
} from './message.ts'
export {
  createManualClock,
  systemClock,
  systemIds,
  type Clock,
  type Ids,
  type ManualClock
} from './clock.ts'
export {
  countLevels,
  isWildcard,
  matchesFilter,
  MAX_TOPIC_LEVELS,
  topicFilterFault,
  topicNameFault,
  type TopicFault
} from './topic.ts'
export { CoreError } from './error.ts'
