/**
 * A token of a suite's own authority, as everybody gets one: from the control port.
 *
 * request: what it is to say, as the body of `POST /authority/tokens`. @default the well-known principal's
 * @throws Error with the answer when there is no token in it
 */
export async function mintToken(
  { endpoints }: { endpoints: Record<string, Record<string, unknown>> },
  request: object = {}
): Promise<string> {
  const reply = await fetch(`${String(endpoints.control!.http)}/authority/tokens`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(request)
  })
  const answer = await reply.text()
  if (!reply.ok) throw new Error(`no token: ${reply.status} ${answer}`)
  return (JSON.parse(answer) as { access_token: string }).access_token
}
