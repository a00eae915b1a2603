// Field numbers from https://github.com/Azure/azure-webpubsub, protocols/protobuf.webpubsub.azure.v1 and
// tools/emulator; they are the wire format, the rest is ours.

interface Field {
  type: string
  id: number
  keyType?: string
  options?: { proto3_optional: true }
}

const field = (type: string, id: number): Field => ({ type, id })
const optional = (type: string, id: number): Field => ({
  type,
  id,
  options: { proto3_optional: true }
})
const textMap = (id: number): Field => ({ keyType: 'string', type: 'string', id })
const choice = (fields: Record<string, Field>) => ({
  oneofs: { choice: { oneof: Object.keys(fields) } },
  fields
})

/** The two envelopes and what lies in them, in protobufjs' own description. */
export const protobufSchema = {
  nested: {
    UpstreamMessage: choice({
      sendToGroup: field('SendToGroup', 1),
      event: field('Event', 5),
      joinGroup: field('JoinGroup', 6),
      leaveGroup: field('JoinGroup', 7),
      sequenceAck: field('SequenceAck', 8),
      ping: field('Empty', 9)
    }),
    DownstreamMessage: choice({
      ack: field('Ack', 1),
      message: field('Message', 2),
      system: field('System', 3),
      pong: field('Empty', 4)
    }),
    SendToGroup: {
      fields: {
        group: field('string', 1),
        ackId: optional('uint64', 2),
        data: field('Data', 3),
        noEcho: optional('bool', 4),
        ttlSeconds: optional('uint32', 5),
        metadata: textMap(6),
        stream: field('Empty', 7)
      }
    },
    Event: {
      fields: {
        event: field('string', 1),
        data: field('Data', 2),
        ackId: optional('uint64', 3),
        metadata: textMap(4),
        stream: field('Empty', 5)
      }
    },
    JoinGroup: { fields: { group: field('string', 1), ackId: optional('uint64', 2) } },
    SequenceAck: { fields: { sequenceId: field('uint64', 1) } },
    Empty: { fields: {} },
    Ack: {
      fields: { ackId: field('uint64', 1), success: field('bool', 2), error: field('AckError', 3) }
    },
    AckError: { fields: { name: field('string', 1), message: field('string', 2) } },
    Message: {
      fields: {
        from: field('string', 1),
        group: optional('string', 2),
        data: field('Data', 3),
        sequenceId: optional('uint64', 4),
        metadata: textMap(5)
      }
    },
    System: choice({ connected: field('Connected', 1), disconnected: field('Disconnected', 2) }),
    Connected: {
      fields: {
        connectionId: field('string', 1),
        userId: field('string', 2),
        reconnectionToken: optional('string', 3)
      }
    },
    Disconnected: { fields: { reason: field('string', 2) } },
    Data: choice({
      text: field('string', 1),
      binary: field('bytes', 2),
      // A google.protobuf.Any, whose content is nobody's business here.
      protobuf: field('bytes', 3),
      json: field('string', 4)
    })
  }
}
