import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createIntake, type Intake } from '../../../companion/packages/kit/src/http/intake.ts'
import { listenTcp } from '../../../companion/packages/kit/src/http/listen.ts'
import { listenMutualTls } from '../../../companion/packages/kit/src/http/listen-mutual-tls.ts'
import { listenUnix } from '../../../companion/packages/kit/src/http/listen-unix.ts'
import { verifies } from '../../requirements.ts'
import { until } from '../../support/fixture-world.ts'
import { TrustDomain } from '../../support/svid.ts'
import { TestIdentity } from '../../support/test-identity.ts'
import { ask, type Way } from './wire.ts'

let folder: string
let path: string
let intake: Intake
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gatehouse-listen-'))
  path = join(folder, 'edge.sock')
  intake = createIntake()
})
afterEach(async () => {
  await intake.stop()
  await rm(folder, { recursive: true, force: true })
})

const answer: RequestListener = (_request, response) => void response.end('{"code":"here"}')
const way = (): Way => ({ kind: 'socket', path, host: 'localhost' })
const log = { info: () => undefined, warn: () => undefined, error: () => undefined }

describe('a socket for the edge', () => {
  it('may be opened by this user alone, and its folder too when it was made for it', async () => {
    verifies('AUTH-7.2')
    path = join(folder, 'made', 'edge.sock')
    const takeAway = await listenUnix(intake, answer, path)
    expect((await ask(way())).code).toBe('here')
    expect((await stat(path)).mode & 0o777).toBe(0o600)
    expect((await stat(join(folder, 'made'))).mode & 0o777).toBe(0o700)
    expect(await readdir(join(folder, 'made'))).toEqual(['edge.sock'])
    await takeAway()
    expect(await readdir(join(folder, 'made'))).toEqual([])
  })

  it('takes the place of one that a dead process left', async () => {
    const script = `require('net').createServer().listen(${JSON.stringify(path)}, () => console.log('up'))`
    const other = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] })
    await once(other.stdout, 'data')
    const exited = once(other, 'exit')
    other.kill('SIGKILL')
    await exited
    expect((await stat(path)).isSocket()).toBe(true)
    await listenUnix(intake, answer, path)
    expect((await ask(way())).code).toBe('here')
  })

  it('leaves one alone on which somebody listens, and what is no socket', async () => {
    const other = createServer((_request, response) => void response.end('{"code":"theirs"}'))
    await new Promise<void>((resolve) => other.listen(path, resolve))
    await expect(listenUnix(intake, answer, path)).rejects.toMatchObject({ code: 'port_in_use' })
    expect((await ask(way())).code).toBe('theirs')
    const closed = once(other, 'close')
    other.close()
    other.closeAllConnections()
    await closed
    path = join(folder, 'file')
    await writeFile(path, 'mine')
    await expect(listenUnix(intake, answer, path)).rejects.toMatchObject({ code: 'listen_failed' })
  })

  it('is not made where it cannot be', async () => {
    await expect(listenUnix(intake, answer, join(folder, 'x'.repeat(100)))).rejects.toMatchObject({
      code: 'listen_failed',
      message: expect.stringContaining('too long') as string,
    })
    await writeFile(join(folder, 'file'), '')
    await expect(listenUnix(intake, answer, join(folder, 'file', 'edge.sock'))).rejects.toMatchObject({
      code: 'listen_failed',
    })
  })

  it('is not taken away when somebody else has put theirs in its place', async () => {
    const takeAway = await listenUnix(intake, answer, path)
    await rm(path)
    await writeFile(path, 'theirs')
    await takeAway()
    expect((await stat(path)).isFile()).toBe(true)
  })
})

describe('listeners of one intake', () => {
  it('share their places, their drain and their end', async () => {
    await intake.stop()
    intake = createIntake({ limits: { requests: 2 } })
    const waiting: (() => void)[] = []
    const handler: RequestListener = (_request, response) => void waiting.push(() => response.end('{"code":"here"}'))
    const domain = await TrustDomain.create()
    const identity = await TestIdentity.of(domain, 'server')
    const tcp = await listenTcp(intake, handler, { host: '127.0.0.1', port: 0 })
    await listenUnix(intake, handler, path)
    const mtls = await listenMutualTls(intake, handler, { host: '127.0.0.1', port: 0, identity, log })
    const plain: Way = { kind: 'plain', url: tcp.url }
    const tls: Way = { kind: 'tls', url: mtls.url, authority: domain.bundle, svid: await domain.svid('a') }
    const first = [ask(plain), ask(way())]
    await until(() => waiting.length === 2)
    expect((await ask(tls)).code).toBe('too_many_requests')
    expect(intake.requests()).toBe(2)
    for (const end of waiting.splice(0)) end()
    expect((await Promise.all(first)).map(({ code }) => code)).toEqual(['here', 'here'])

    const last = [ask(plain), ask(tls)]
    await until(() => waiting.length === 2)
    intake.drain()
    for (const end of waiting.splice(0)) end()
    for (const { code, headers } of await Promise.all(last)) {
      expect(code).toBe('here')
      expect(headers['connection']).toBeDefined()
    }
    const slow = ask(tls)
    await until(() => waiting.length === 1)
    const stopped = intake.stop()
    for (const closed of [plain, way(), tls]) await expect(ask(closed)).rejects.toThrow()
    for (const end of waiting.splice(0)) end()
    expect((await slow).code).toBe('here')
    await stopped
    mtls.stop()
    await until(() => intake.connections() === 0)
  })

  it('say whose port it is that is taken', async () => {
    const { port } = await listenTcp(intake, answer, { host: '127.0.0.1', port: 0 })
    const identity = await TestIdentity.of(await TrustDomain.create(), 'server')
    await expect(listenMutualTls(intake, answer, { host: '127.0.0.1', port, identity, log })).rejects.toMatchObject({
      code: 'port_in_use',
      message: expect.stringContaining(String(port)) as string,
    })
  })

  it('over TLS drop what is no TLS, and go on', async () => {
    const domain = await TrustDomain.create()
    const identity = await TestIdentity.of(domain, 'server')
    const mtls = await listenMutualTls(intake, answer, { host: '127.0.0.1', port: 0, identity, log })
    await expect(ask({ kind: 'plain', url: mtls.url.replace('https', 'http') })).rejects.toThrow()
    const tls: Way = { kind: 'tls', url: mtls.url, authority: domain.bundle }
    expect((await ask(tls)).code).toBe('here')
    await until(() => intake.connections() === 0)
  })
})
