import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { ServerPolicy } from '@gatehouse/contracts'
import { PolicyError } from '../decide/policy-error.ts'
import { checkedCedar, type SourceFile } from './cedar-files.ts'

/** What a server's team wrote of who may do what, beside its tools. Read when the server starts or describes itself, and not before. */
export interface PolicyFolder {
  /** Absolute path of the server's own folder, which holds `server.json` and `policies`. */
  readonly server: string
  /** All of `policies/*.cedar`, in the order of their names, and `policies/schema.cedarschema` where there is one. @throws PolicyError naming file and line */
  read(): Pick<ServerPolicy, 'cedar' | 'cedarSchema'>
}

const FOLDER = 'policies'
const SCHEMA_FILE = 'schema.cedarschema'
/** How far above the module its server's folder may be: `src/…/x.ts` in source, beside `main.js` when bundled. */
const STEPS = 4

/**
 * The policies of the server that this module belongs to: the folder `policies` beside the nearest `server.json`, at or above the module's own
 * folder. So `policiesOf(import.meta.url)` finds the same files from source and from a bundle that both were copied beside.
 */
export function policiesOf(moduleUrl: string): PolicyFolder {
  return policyFolder(serverFolderOf(dirname(fileURLToPath(moduleUrl))))
}

/** The same of a server's folder that is known. */
export function policyFolder(server: string): PolicyFolder {
  return {
    server,
    read() {
      const names = namesIn(join(server, FOLDER))
      const files = names.filter((name) => name.endsWith('.cedar')).map((name) => sourceFile(server, name))
      if (files.length === 0) throw new PolicyError('policy_invalid', `${FOLDER}/ holds no .cedar file`)
      const schema = names.includes(SCHEMA_FILE) ? sourceFile(server, SCHEMA_FILE) : undefined
      const cedar = checkedCedar(files, schema)
      return { cedar, ...(schema && { cedarSchema: schema.text }) }
    },
  }
}

function serverFolderOf(start: string): string {
  let folder = start
  for (let step = 0; step < STEPS; step += 1) {
    if (existsSync(join(folder, 'server.json'))) return folder
    folder = dirname(folder)
  }
  return start
}

/** In the order of UTF-16 code units, which is the same on every machine. @throws PolicyError */
function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder).sort()
  } catch (cause) {
    throw new PolicyError('policy_invalid', `${FOLDER}/ cannot be read beside server.json`, { cause })
  }
}

function sourceFile(server: string, name: string): SourceFile {
  const text = readFileSync(join(server, FOLDER, name), 'utf8')
  // A checkout with other line ends must not be another policy than the reviewed one.
  return { name: `${FOLDER}/${name}`, text: text.replaceAll('\r\n', '\n') }
}
