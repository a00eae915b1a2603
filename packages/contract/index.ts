export type {
  HttpCredential,
  Step,
  Transcript,
  TranscriptAdapter,
  UnsignedRequest
} from './transcript.ts'
