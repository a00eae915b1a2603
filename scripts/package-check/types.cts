import fogbank = require('fogbank')

export const start = async (): Promise<string> => {
  const suite = await fogbank.startFogbank({ only: ['aws-iot'] })
  await suite.close()
  return suite.endpoints.control.http
}
