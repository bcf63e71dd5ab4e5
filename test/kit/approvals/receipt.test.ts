import { randomUUID } from 'node:crypto'
import { digestOf, RECEIPT_TYP, type ReceiptClaims, type UserCaller } from '@gatehouse/contracts'
import fc from 'fast-check'
import { CompactSign, calculateJwkThumbprint, exportJWK, generateKeyPair, type JWK } from 'jose'
import { beforeAll, describe, expect, test } from 'vitest'
import { type ReceiptInput, verifyReceipt } from '../../../companion/packages/kit/src/approvals/receipt.ts'
import { verifies } from '../../requirements.ts'

const NOW = 1_780_000_000
const AUDIENCE = 'https://presto.example/mcp'
const TOOL = 'execute_statement'
const ARGS = digestOf({ sql: "INSERT INTO notes VALUES ('x')" })
const TOOL_DIGEST = digestOf({ name: TOOL })

interface Device {
  readonly key: CryptoKey
  readonly jwk: JWK
  readonly thumbprint: string
}

let device: Device
let stranger: Device

beforeAll(async () => {
  device = await makeDevice()
  stranger = await makeDevice()
})

test('a receipt by the device key for exactly this call is accepted', async () => {
  verifies('SRV-KIT.4')
  const claims = makeClaims()
  expect(await verify(await sign(claims))).toEqual(claims)
})

test.each([undefined, null])('no receipt (%s): approval_required', async (receipt) => {
  await expect(verify(receipt)).rejects.toMatchObject({ code: 'approval_required' })
})

test('a caller whose token is bound to no key cannot use a receipt: approval_required', async () => {
  const { keyThumbprint: _, ...unbound } = caller()
  const receipt = await sign(makeClaims())
  await expect(verifyReceipt({ ...input(receipt), caller: unbound })).rejects.toMatchObject({
    code: 'approval_required',
  })
})

describe('approval_expired', () => {
  test.each([
    ['at its last second', 0],
    ['long ago', 86_400],
  ])('a receipt that expired %s', async (_, ago) => {
    verifies('SRV-KIT.4')
    const receipt = await sign(makeClaims({ iat: NOW - ago - 600, exp: NOW - ago }))
    await expect(verify(receipt)).rejects.toMatchObject({ code: 'approval_expired' })
  })
})

describe('approval_mismatch', () => {
  test.each<[string, Partial<ReceiptClaims>]>([
    ['other arguments', { args: digestOf({ sql: 'DROP TABLE notes' }) }],
    ['another tool', { tool: 'drop_table' }],
    ['another version of the tool', { tool_digest: digestOf({ name: TOOL, description: 'changed' }) }],
    ['another server', { aud: 'https://airflow.example/mcp' }],
    ['the same server spelled otherwise', { aud: `${AUDIENCE}/` }],
    ['another person', { sub: 'finn' }],
  ])('a receipt for %s', async (_, change) => {
    verifies('SRV-KIT.4')
    await expect(verify(await sign(makeClaims(change)))).rejects.toMatchObject({ code: 'approval_mismatch' })
  })
})

describe('approval_invalid', () => {
  test('signed by another key, which it names', async () => {
    verifies('SRV-KIT.4')
    await expect(verify(await sign(makeClaims(), {}, stranger))).rejects.toMatchObject({ code: 'approval_invalid' })
  })

  test('signed by another key, while it names the right one', async () => {
    verifies('SRV-KIT.4')
    const receipt = await sign(makeClaims(), { jwk: device.jwk }, stranger)
    await expect(verify(receipt)).rejects.toMatchObject({ code: 'approval_invalid' })
  })

  test.each<[string, Partial<ReceiptClaims>]>([
    ['lives longer than ten minutes', { exp: NOW + 601 }],
    ['ends before it starts', { iat: NOW + 30, exp: NOW + 20 }],
    ['is issued in the future', { iat: NOW + 61, exp: NOW + 120 }],
  ])('a receipt that %s', async (_, change) => {
    await expect(verify(await sign(makeClaims(change)))).rejects.toMatchObject({ code: 'approval_invalid' })
  })

  test.each<[string, Record<string, unknown>]>([
    ['another typ', { typ: 'JWT' }],
    ['another spelling of typ', { typ: 'Gatehouse-Approval+JWT' }],
    ['no typ', { typ: undefined }],
    ['crit', { crit: ['exp'], exp: 1 }],
    ['kid', { kid: 'device' }],
    ['jku', { jku: 'https://evil.example/jwks' }],
    ['x5u', { x5u: 'https://evil.example/cert' }],
    ['x5c', { x5c: ['MIIB'] }],
    ['no key', { jwk: undefined }],
    ['unencoded payload (RFC 7797)', { b64: false, crit: ['b64'] }],
  ])('a header with %s', async (_, change) => {
    const receipt = await forge(change, makeClaims())
    await expect(verify(receipt)).rejects.toMatchObject({ code: 'approval_invalid' })
  })

  test('a header that carries the private key', async () => {
    const { d } = await exportJWK((await generateKeyPair('ES256', { extractable: true })).privateKey)
    await expect(verify(await forge({ jwk: { ...device.jwk, d } }, makeClaims()))).rejects.toMatchObject({
      code: 'approval_invalid',
    })
  })

  test.each(['none', 'HS256', 'RS256', 'ES384', 'EdDSA'])('alg %s', async (alg) => {
    await expect(verify(await forge({ alg }, makeClaims()))).rejects.toMatchObject({ code: 'approval_invalid' })
  })

  test.each<[string, Record<string, unknown>]>([
    ['a claim too many', { scope: 'all' }],
    ['a claim missing', { plan: undefined }],
    ['a list of audiences', { aud: [AUDIENCE] }],
    ['a fractional time', { exp: NOW + 0.5 }],
    ['a time as text', { exp: String(NOW + 60) }],
    ['a jti that is no UUID', { jti: "'; DROP TABLE gatehouse_receipt; --" }],
    ['a digest of another form', { args: ARGS.toUpperCase() }],
  ])('claims with %s', async (_, change) => {
    await expect(verify(await forge({}, { ...makeClaims(), ...change }))).rejects.toMatchObject({
      code: 'approval_invalid',
    })
  })

  test('claims that name a key twice', async () => {
    const text = JSON.stringify(makeClaims()).replace('{', `{"args":"${digestOf('other')}",`)
    await expect(verify(await forge({}, text))).rejects.toMatchObject({ code: 'approval_invalid' })
  })

  test.each<[string, unknown]>([
    ['an object', { payload: '', signatures: [] }],
    ['a number', 7],
    ['a list', ['a.b.c']],
    ['empty text', ''],
    ['two parts', 'e30.e30'],
    ['five parts', 'e30.e30.e30.e30.e30'],
    ['detached payload', 'e30..e30'],
    ['a text of a megabyte', `${'A'.repeat(1_000_000)}.A.A`],
    ['a newline at the end', 'e30.e30.e30\n'],
  ])('%s', async (_, receipt) => {
    await expect(verify(receipt)).rejects.toMatchObject({ code: 'approval_invalid' })
  })
})

test('whatever single character of a receipt changes, it is refused with a code of its own', async () => {
  verifies('SRV-KIT.4')
  const receipt = await sign(makeClaims())
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.= \u0000'.split('')
  await fc.assert(
    fc.asyncProperty(
      fc.nat(receipt.length - 1),
      fc.constantFrom(...alphabet),
      fc.constantFrom('put', 'insert', 'drop'),
      async (at, character, how) => {
        const kept = how === 'insert' ? receipt.slice(at) : receipt.slice(at + 1)
        const mutated = receipt.slice(0, at) + (how === 'drop' ? '' : character) + kept
        fc.pre(mutated !== receipt)
        await expect(verify(mutated)).rejects.toMatchObject({ code: 'approval_invalid' })
      },
    ),
    { numRuns: 500 },
  )
})

test('whatever a stranger sends, the answer is a refusal with a code, never another error', async () => {
  const part = fc.oneof(fc.base64String(), fc.json().map(encode), fc.string())
  await fc.assert(
    fc.asyncProperty(
      fc.oneof(
        fc.anything(),
        fc.array(part, { minLength: 3, maxLength: 3 }).map((parts) => parts.join('.')),
      ),
      async (receipt) => {
        await expect(verify(receipt)).rejects.toMatchObject({ name: 'ApprovalError' })
      },
    ),
    { numRuns: 500 },
  )
})

test('whichever claim is changed by the holder of the right key, no other call than the approved one passes', async () => {
  const change = fc.record(
    {
      sub: fc.constantFrom('finn', 'Ada', 'ada '),
      aud: fc.webUrl(),
      tool: fc.string(),
      args: fc.string().map((text) => digestOf(text.toWellFormed())),
      tool_digest: fc.string().map((text) => digestOf(text.toWellFormed())),
      exp: fc.integer({ min: 0, max: NOW }),
    },
    { requiredKeys: [] },
  )
  await fc.assert(
    fc.asyncProperty(change, async (changed) => {
      fc.pre(Object.keys(changed).length > 0)
      await expect(verify(await sign(makeClaims(changed)))).rejects.toMatchObject({ name: 'ApprovalError' })
    }),
    { numRuns: 100 },
  )
})

function verify(receipt: unknown): Promise<ReceiptClaims> {
  return verifyReceipt(input(receipt))
}

function input(receipt: unknown): ReceiptInput {
  return {
    receipt,
    caller: caller(),
    audience: AUDIENCE,
    tool: TOOL,
    argsDigest: ARGS,
    toolDigest: TOOL_DIGEST,
    now: NOW,
  }
}

function caller(): UserCaller {
  return {
    kind: 'user',
    subject: 'ada',
    groups: ['ads'],
    client: 'gatehouse-vscode',
    surface: 'ide',
    keyThumbprint: device.thumbprint,
  }
}

function makeClaims(change: Partial<ReceiptClaims> = {}): ReceiptClaims {
  return {
    sub: 'ada',
    aud: AUDIENCE,
    iat: NOW - 5,
    exp: NOW + 300,
    jti: randomUUID(),
    tool: TOOL,
    args: ARGS,
    tool_digest: TOOL_DIGEST,
    step: randomUUID(),
    plan: digestOf({ plan: 1 }),
    ...change,
  }
}

async function makeDevice(): Promise<Device> {
  const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true })
  const jwk = await exportJWK(publicKey)
  return { key: privateKey, jwk, thumbprint: await calculateJwkThumbprint(jwk) }
}

function sign(claims: object, header: object = {}, by: Device = device): Promise<string> {
  return new CompactSign(new TextEncoder().encode(JSON.stringify(claims)))
    .setProtectedHeader({ alg: 'ES256', typ: RECEIPT_TYP, jwk: by.jwk, ...header })
    .sign(by.key)
}

/** A receipt that a library would refuse to make, signed by the right key over exactly these bytes. */
async function forge(header: Record<string, unknown>, claims: object | string): Promise<string> {
  const protectedHeader = encode(JSON.stringify({ alg: 'ES256', typ: RECEIPT_TYP, jwk: device.jwk, ...header }))
  const payload = encode(typeof claims === 'string' ? claims : JSON.stringify(claims))
  const data = new TextEncoder().encode(`${protectedHeader}.${payload}`)
  const signature = await crypto.subtle.sign({ name: 'ECDSA', hash: 'SHA-256' }, device.key, data)
  return `${protectedHeader}.${payload}.${Buffer.from(signature).toString('base64url')}`
}

function encode(text: string): string {
  return Buffer.from(text).toString('base64url')
}
