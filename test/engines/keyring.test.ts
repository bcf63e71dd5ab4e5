import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import keytar from 'keytar'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createKeychain } from '../../src/session/keychain.ts'
import { createSecretStore } from '../../src/session/secret-store.ts'
import { verifies } from '../requirements.ts'
import { eventually } from '../support/browser.ts'
import { MemoryStore } from '../support/session-window.ts'

/** No service folders: a keychain that has gone away is not started again by the bus, with the person's own keys. */
const BUS = `<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
  "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:tmpdir=/tmp</listen>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>`

/** The real keytar on a real, unlocked GNOME keyring, both on a bus and in a folder of this run alone. */
let home: string
let bus: ChildProcess
let daemon: ChildProcess
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'gatehouse-keyring-'))
  const config = join(home, 'bus.conf')
  await writeFile(config, BUS)
  bus = spawn('dbus-daemon', [`--config-file=${config}`, '--nofork', '--print-address'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [address] = (await once(bus.stdout as Readable, 'data')) as [Buffer]
  process.env['DBUS_SESSION_BUS_ADDRESS'] = address.toString().trim()
  daemon = spawn('gnome-keyring-daemon', ['--foreground', '--components=secrets', '--unlock'], {
    env: { ...process.env, HOME: home, XDG_DATA_HOME: home, XDG_RUNTIME_DIR: home },
    stdio: ['pipe', 'ignore', 'inherit'],
  })
  daemon.stdin?.end('a password of this test run')
  const keychain = createKeychain(keytar)
  await eventually(
    () =>
      keychain.probe().then(
        () => true,
        () => false,
      ),
    20_000,
  )
})
afterAll(async () => {
  daemon.kill()
  bus.kill()
  await rm(home, { recursive: true, force: true })
})

const service = `Gatehouse test ${process.pid}`

describe('the real keychain', () => {
  test('is chosen, keeps short and long secrets, and forgets them', async () => {
    verifies('AUTH-3.1')
    const fallback = new MemoryStore()
    const open = () => createSecretStore({ loadKeytar: async () => keytar, fallback, service })
    const long = `${'0123456789'.repeat(2000)} — 𝒳`
    await open().set('short', 'one')
    await open().set('long', long)
    const store = open()
    expect([await store.get('short'), await store.get('long'), await store.get('other')]).toEqual([
      'one',
      long,
      undefined,
    ])
    expect(store.label).toBe('the keychain of this machine')
    await store.delete('short')
    await store.delete('long')
    expect(await keytar.findCredentials(service)).toEqual([])
    expect(fallback.entries.size).toBe(0)
  })

  test('that goes away in the middle is an error, not a move to the fallback', async () => {
    verifies('AUTH-3.3')
    const fallback = new MemoryStore()
    const store = createSecretStore({ loadKeytar: async () => keytar, fallback, service })
    await store.set('key', 'value')
    const ended = once(daemon, 'exit')
    daemon.kill()
    await ended
    await expect(store.set('key', 'other')).rejects.toMatchObject({ code: 'keychain_unavailable' })
    expect(fallback.entries.size).toBe(0)
    const later = createSecretStore({ loadKeytar: async () => keytar, fallback, service })
    await later.set('key', 'value')
    expect([later.label, fallback.entries.size]).toEqual(['memory', 1])
  })
})
