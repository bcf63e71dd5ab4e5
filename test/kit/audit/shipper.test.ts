import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { createShipper } from '../../../companion/packages/kit/src/audit/shipper.ts'
import { verifies } from '../../requirements.ts'
import { sampleEvent } from './sample-event.ts'

let server: Server | undefined

afterEach(async () => {
  server?.closeAllConnections()
  await new Promise((resolve) => (server ? server.close(resolve) : resolve(undefined)))
  server = undefined
})

test('events are posted to the intake with the token of this server', async () => {
  verifies('OBS-2.1')
  const seen: unknown[] = []
  const registry = await listen((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const body: unknown = JSON.parse(Buffer.concat(chunks).toString())
      seen.push(request.method, request.url, request.headers.authorization, request.headers['content-type'], body)
      response.writeHead(202).end()
    })
  })
  const events = [sampleEvent(), sampleEvent()]
  await createShipper({ registry, token: 'intake' })(events)
  expect(seen).toEqual(['POST', '/gatehouse/v1/audit', 'Bearer intake', 'application/json', { events }])
})

test.each([
  [400, 'audit_invalid'],
  [401, 'audit_refused'],
  [404, 'audit_refused'],
  [413, 'audit_invalid'],
  [422, 'audit_invalid'],
  [429, 'audit_refused'],
  [500, 'audit_refused'],
  [503, 'audit_refused'],
])('answer %i is not an acknowledgement', async (status, code) => {
  const registry = await listen((_, response) => response.writeHead(status).end('<html>no</html>'))
  await expect(createShipper({ registry, token: 't' })([sampleEvent()])).rejects.toMatchObject({
    code,
    status,
  })
})

test('a redirect is not followed: the token goes to the registry alone', async () => {
  const registry = await listen((_, response) => response.writeHead(307, { location: 'http://127.0.0.1:1/' }).end())
  await expect(createShipper({ registry, token: 't' })([])).rejects.toMatchObject({ code: 'audit_unreachable' })
})

test('a registry that hangs, or is not there, is unreachable', async () => {
  const registry = await listen(() => {})
  await expect(createShipper({ registry, token: 't', timeoutMs: 100 })([])).rejects.toMatchObject({
    code: 'audit_unreachable',
  })
  await expect(createShipper({ registry: 'http://127.0.0.1:1', token: 't' })([])).rejects.toMatchObject({
    code: 'audit_unreachable',
  })
})

async function listen(handler: RequestListener): Promise<string> {
  const started = createServer(handler)
  server = started
  await new Promise<void>((resolve) => started.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(started.address() as AddressInfo).port}`
}
