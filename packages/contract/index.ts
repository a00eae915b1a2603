export type { HttpAnswer, HttpRequest } from './http.ts'
export type { Received, TestClient } from './mqtt.ts'
export { rejects } from './rejects.ts'
export type {
  HttpCredential,
  Step,
  Transcript,
  TranscriptAdapter,
  UnsignedRequest
} from './transcript.ts'
export { withFogbank, type Door, type World } from './with-fogbank.ts'
export { openWire, type Wire, type WirePacket } from './wire.ts'
export { within } from './within.ts'
