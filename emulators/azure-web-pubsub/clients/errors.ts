import { defineErrors } from '@fogbank/personality'

const SUBPROTOCOL =
  'https://learn.microsoft.com/azure/azure-web-pubsub/reference-json-webpubsub-subprotocol'
const PROTOCOLS = 'https://learn.microsoft.com/azure/azure-web-pubsub/concept-client-protocols'
const CLOUD_EVENTS = 'https://learn.microsoft.com/azure/azure-web-pubsub/reference-cloud-events'
const EMULATOR = 'https://github.com/Azure/azure-webpubsub/tree/main/tools/emulator'

// Three wires: `status` answers the upgrade, `close` ends a WebSocket with the message as its reason, and a
// row with neither of its own is the error of an `ack`, whose name is the code.
export const clientErrors = defineErrors({
  MessageInvalid: {
    status: 400,
    close: 1007,
    code: 'InvalidPayloadData',
    message: 'The client message is not a valid {protocol} protocol message.',
    source: EMULATOR,
    evidence: 'recorded'
  },
  FrameTypeInvalid: {
    status: 400,
    close: 1003,
    code: 'InvalidMessageType',
    message: 'The {protocol} subprotocol requires {kind} messages.',
    source: EMULATOR,
    evidence: 'recorded'
  },
  ClientMessageTooLarge: {
    status: 413,
    close: 1009,
    code: 'MessageTooBig',
    message: 'The client message is too large.',
    source: EMULATOR,
    evidence: 'recorded'
  },
  RecoveryRefused: {
    status: 400,
    close: 1008,
    code: 'PolicyViolation',
    message: 'The connection could not be recovered.',
    source: EMULATOR,
    evidence: 'recorded'
  },
  RawSendForbidden: {
    status: 403,
    close: 1008,
    code: 'PolicyViolation',
    message: 'The connection is not authorized for raw sendToGroup mode.',
    source: EMULATOR,
    evidence: 'recorded'
  },
  RawEventFailed: {
    status: 500,
    close: 1011,
    code: 'InternalServerError',
    message: 'Processing the event failed.',
    source: PROTOCOLS,
    evidence: 'assumed'
  },
  ReliableBufferFull: {
    status: 429,
    close: 1008,
    code: 'PolicyViolation',
    message: 'The reliable message buffer is full.',
    source: EMULATOR,
    evidence: 'recorded'
  },
  OutboundQueueFull: {
    status: 429,
    close: 1008,
    code: 'PolicyViolation',
    message: 'The outbound message queue is full.',
    source: EMULATOR,
    evidence: 'recorded'
  },
  GroupForbidden: {
    status: 403,
    code: 'Forbidden',
    message: "The client does not have permission to {action} group '{group}'.",
    source: EMULATOR,
    evidence: 'recorded'
  },
  AckIdDuplicate: {
    status: 409,
    code: 'Duplicate',
    message: 'Message with ack-id: {ackId} has been processed',
    source: SUBPROTOCOL,
    evidence: 'documented'
  },
  EventFailed: {
    status: 500,
    code: 'InternalServerError',
    message: 'Internal server error',
    source: EMULATOR,
    evidence: 'recorded'
  },
  InvocationFailed: {
    status: 500,
    code: 'InvocationFailed',
    message: 'The invocation failed.',
    source: `${SUBPROTOCOL}; the name only`,
    evidence: 'assumed'
  },
  EventContentTypeInvalid: {
    status: 400,
    code: '',
    message: 'The content type is not a valid MIME type.',
    mqtt: { reasonCode: 0x99 },
    source: 'https://learn.microsoft.com/azure/azure-web-pubsub/reference-mqtt-cloud-events',
    evidence: 'assumed'
  },
  RawModeInvalid: {
    status: 400,
    code: '',
    message: 'The webpubsub_mode is invalid; sendEvent and sendToGroup are supported.',
    plain: true,
    source: EMULATOR,
    evidence: 'assumed'
  },
  RawGroupInvalid: {
    status: 400,
    code: '',
    message: 'The raw sendToGroup group name is invalid.',
    plain: true,
    source: EMULATOR,
    evidence: 'recorded'
  },
  RawNoEchoInvalid: {
    status: 400,
    code: '',
    message: 'The raw sendToGroup noEcho value is invalid.',
    plain: true,
    source: EMULATOR,
    evidence: 'assumed'
  },
  ConnectRejected: {
    status: 401,
    code: '',
    message: null,
    mqtt: { reasonCode: 0x87, returnCode: 5 },
    source: CLOUD_EVENTS,
    evidence: 'documented'
  },
  ConnectFailed: {
    status: 500,
    code: '',
    message: null,
    mqtt: { reasonCode: 0x80, returnCode: 3 },
    source: EMULATOR,
    evidence: 'recorded'
  }
})
