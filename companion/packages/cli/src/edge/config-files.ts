import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { readIfPresent, writePrivate } from '../private-file.ts'
import { BOOTSTRAP_FILE, type EnvoyConfig } from './render-envoy.ts'

/**
 * Writes what differs from what is there, each file in one step, since Envoy may read at any moment. Clusters come before the listeners that name
 * them, and both before the bootstrap, by which a first start begins.
 * @returns names of the files that were written
 */
export async function writeConfig(folder: string, config: EnvoyConfig): Promise<readonly string[]> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const written: string[] = []
  for (const name of Object.keys(config).sort(byUse)) {
    const text = `${JSON.stringify(config[name], null, 2)}\n`
    const file = join(folder, name)
    if ((await readIfPresent(file)) === text) continue
    await writePrivate(file, text)
    written.push(name)
  }
  return written
}

const ORDER = [
  'edge-svid.json',
  'servers-bundle.json',
  'clusters.json',
  'routes.json',
  'listeners.json',
  BOOTSTRAP_FILE,
]

function byUse(one: string, other: string): number {
  return ORDER.indexOf(one) - ORDER.indexOf(other)
}
