import { readBody, type Call } from '@fogbank/personality'
import { errors } from './errors.ts'
import { limits } from './limits.ts'
import type { DataType } from './message.ts'
import type { State } from './state.ts'

/** What a send carries: text and JSON in UTF-8, whatever their charset was. */
export interface MessageBody {
  dataType: DataType
  data: Buffer
}

const DATA_TYPES: Record<string, DataType> = {
  'text/plain': 'text',
  'application/json': 'json',
  'application/octet-stream': 'binary'
}

const MEDIA_TYPE = /^\s*([!#$%&'*+.^_`|~\w-]+\/[!#$%&'*+.^_`|~\w-]+)\s*((?:;[^;]*)*)$/
const CHARSET = /;\s*charset\s*=\s*"?([^";\s]+)"?\s*(?:;|$)/i

/**
 * Reads the body of a send: length, then media type, then what is in it.
 * @throws ProviderError
 */
export async function readMessage(call: Call<State>): Promise<MessageBody> {
  checkLength(call)
  const { dataType, decoder } = readContentType(call.header('content-type'))
  await readBody(call, limits.messageBytes)
  const data = dataType === 'binary' ? call.body : toUtf8(call.body, decoder)
  if (dataType === 'json') parseJson(data)
  return { dataType, data }
}

/** Reads a body that is to be a JSON object; what it holds is the caller's question. @throws ProviderError */
export async function readJson(call: Call<State>): Promise<Record<string, unknown>> {
  checkLength(call)
  const { dataType, decoder } = readContentType(call.header('content-type'))
  if (dataType !== 'json') throw errors.MediaTypeUnsupported()
  await readBody(call, limits.messageBytes)
  const value = parseJson(toUtf8(call.body, decoder))
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    return value as Record<string, unknown>
  }
  throw errors.BodyNotJson({}, { detail: 'no object' })
}

function checkLength({ state, request, header }: Call<State>): void {
  // In memory there are no chunks, and nobody writes a length.
  if (!request.incoming || state.settings.requireContentLength === false) return
  const length = header('content-length')
  if (length === undefined) throw errors.ContentLengthMissing()
  if (Number(length) > limits.messageBytes.value) throw limits.messageBytes.exceeded(length)
}

function readContentType(header: string | undefined): {
  dataType: DataType
  decoder: InstanceType<typeof TextDecoder> | undefined
} {
  if (header === undefined) return { dataType: 'binary', decoder: undefined }
  const [, type = '', parameters = ''] = MEDIA_TYPE.exec(header) ?? []
  const dataType = DATA_TYPES[type.toLowerCase()]
  if (!dataType) throw errors.MediaTypeUnsupported({}, { detail: header.slice(0, 200) })
  const charset = CHARSET.exec(parameters)?.[1]?.toLowerCase()
  if (charset === undefined || charset === 'utf-8') return { dataType, decoder: undefined }
  try {
    return { dataType, decoder: new TextDecoder(charset) }
  } catch {
    throw errors.MediaTypeUnsupported({}, { detail: `charset=${charset.slice(0, 200)}` })
  }
}

function toUtf8(body: Buffer, decoder: InstanceType<typeof TextDecoder> | undefined): Buffer {
  return decoder ? Buffer.from(decoder.decode(body)) : body
}

function parseJson(data: Buffer): unknown {
  try {
    return JSON.parse(data.toString('utf8'))
  } catch {
    throw errors.BodyNotJson()
  }
}
