// The protobuf subprotocol as a client writes it, from the published field numbers and not from our codec.
import protobuf from 'protobufjs'

const PROTO = `
  syntax = "proto3";
  message Up {
    oneof message { Send send = 1; Event event = 5; Group join = 6; Group leave = 7; Seq seq = 8; Empty ping = 9; }
  }
  message Down {
    oneof message { Ack ack = 1; Data data = 2; System system = 3; Empty pong = 4; }
  }
  message Empty {}
  message Seq { uint64 id = 1; }
  message Group { string group = 1; optional uint64 ackId = 2; }
  message Stream { string id = 1; }
  message Send {
    string group = 1; optional uint64 ackId = 2; Payload data = 3; optional bool noEcho = 4;
    optional uint32 ttl = 5; map<string, string> metadata = 6; Stream stream = 7;
  }
  message Event {
    string event = 1; Payload data = 2; optional uint64 ackId = 3; map<string, string> metadata = 4;
  }
  message Ack { uint64 ackId = 1; bool success = 2; optional Failure error = 3; }
  message Failure { string name = 1; string message = 2; }
  message Data {
    string from = 1; optional string group = 2; Payload data = 3; optional uint64 sequenceId = 4;
    map<string, string> metadata = 5;
  }
  message System { oneof message { Connected connected = 1; Disconnected disconnected = 2; } }
  message Connected { string connectionId = 1; string userId = 2; optional string token = 3; }
  message Disconnected { string reason = 2; }
  message Any { string typeUrl = 1; bytes value = 2; }
  message Payload { oneof data { string text = 1; bytes binary = 2; Any any = 3; string json = 4; } }
`

const { root } = protobuf.parse(PROTO, { keepCase: true })
const Up = root.lookupType('Up')
const Down = root.lookupType('Down')
const Any = root.lookupType('Any')

export const PROTOBUF = 'protobuf.webpubsub.azure.v1'
export const RELIABLE_PROTOBUF = 'protobuf.reliable.webpubsub.azure.v1'

export const encodeUp = (message: object): Buffer =>
  Buffer.from(Up.encode(Up.fromObject(message)).finish())

export const encodeAny = (typeUrl: string, value: Buffer): Buffer =>
  Buffer.from(Any.encode({ typeUrl, value }).finish())

/** uint64 as text, bytes in base64, nothing that was not sent. */
export function decodeDown(frame: string | Buffer): Record<string, any> {
  if (typeof frame === 'string') throw new Error(`a text frame came: ${frame.slice(0, 80)}`)
  const plain = Down.toObject(Down.decode(frame), { longs: String, bytes: String })
  return JSON.parse(JSON.stringify(plain)) as Record<string, any>
}
