/** A JSON schema, in the part of the language that the API needs (JSON Schema 2020-12). */
export interface Schema {
  readonly type?: string | readonly string[]
  readonly description?: string
  readonly enum?: readonly unknown[]
  readonly items?: Schema
  readonly properties?: Readonly<Record<string, Schema>>
  readonly required?: readonly string[]
  readonly additionalProperties?: boolean | Schema
  readonly anyOf?: readonly Schema[]
}

type Properties<T> = { readonly [Key in keyof Required<T>]: Schema }

/** The compiler finds a property that is missing here, or is none of `T`. */
export const object = <T>(properties: Properties<T>, ...optional: readonly (keyof T & string)[]): Schema => ({
  type: 'object',
  properties,
  required: Object.keys(properties).filter((key) => !optional.includes(key as keyof T & string)),
  additionalProperties: false,
})

const described = (schema: Schema, description: string): Schema =>
  description === '' ? schema : { ...schema, description }

export const text = (description = ''): Schema => described({ type: 'string' }, description)
export const number = (description = ''): Schema => described({ type: 'number' }, description)
export const whole = (description = ''): Schema => described({ type: 'integer' }, description)
export const truth = (description = ''): Schema => described({ type: 'boolean' }, description)
export const anything: Schema = {}

export const list = (items: Schema, description = ''): Schema =>
  described({ type: 'array', items }, description)

export const oneOf = (...values: readonly string[]): Schema => ({ type: 'string', enum: values })

export const orNull = (schema: Schema): Schema => ({ anyOf: [schema, { type: 'null' }] })

/** Moments are ISO 8601 in UTC. */
export const moment = text('ISO 8601 in UTC')
