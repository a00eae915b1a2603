/** Why a filter is none, in the service's form: `Invalid syntax for 'userId lt 1': Type 'string', expect 'int'.` */
export class FilterFault extends Error {
  constructor(expression: string, reason: string) {
    super(`Invalid syntax for '${expression}': ${reason}.`)
    this.name = 'FilterFault'
  }
}
