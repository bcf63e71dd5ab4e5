import { execFile } from 'node:child_process'
import { copyFile, link } from 'node:fs/promises'
import { join } from 'node:path'
import { build } from 'esbuild'
import { z } from 'zod'

/** CommonJS inside an ESM bundle calls `require` for Node's own modules: as in esbuild.config.mjs. */
const BANNER =
  "import { createRequire as __createRequire } from 'node:module';const require = __createRequire(import.meta.url);"

const Printed = z.object({ spiffeId: z.string(), certificates: z.string(), key: z.string(), jwt: z.string() })
export type PrintedSvid = z.infer<typeof Printed>

export interface Ended {
  readonly status: number
  readonly stdout: string
  readonly stderr: string
}

/** Programs that SPIRE tells apart by the path of their binary, though one user runs them all: each a Node of its own. */
export class SpireWorkload {
  readonly binary: string
  readonly #folder: string
  readonly #socket: string

  private constructor(folder: string, name: string, socket: string) {
    this.binary = join(folder, name)
    this.#folder = folder
    this.#socket = socket
  }

  static async create(folder: string, name: string, socket: string): Promise<SpireWorkload> {
    const workload = new SpireWorkload(folder, name, socket)
    // A second name for the same file, where that is possible.
    await link(process.execPath, workload.binary).catch(() => copyFile(process.execPath, workload.binary))
    return workload
  }

  /** Runs a source file of this repository as it is shipped: bundled, away from node_modules. */
  async run(source: string, environment: Readonly<Record<string, string>>): Promise<Ended> {
    const outfile = join(this.#folder, `${source.replaceAll(/[^a-z]/g, '-')}.mjs`)
    await build({
      entryPoints: [source],
      outfile,
      bundle: true,
      platform: 'node',
      target: 'node24',
      format: 'esm',
      minify: true,
      keepNames: true,
      banner: { js: BANNER },
    })
    const env = { SPIFFE_ENDPOINT_SOCKET: this.#socket, ...environment }
    return new Promise((resolve) => {
      execFile(this.binary, [outfile], { env, timeout: 120_000 }, (error, stdout, stderr) => {
        resolve({ status: error ? Number(error.code ?? 1) : 0, stdout, stderr })
      })
    })
  }

  /** What the Workload API gives to it. */
  async svid(audience = 'nobody'): Promise<PrintedSvid> {
    const { stdout, stderr } = await this.run('test/support/svid-printer.ts', { AUDIENCE: audience })
    if (stdout === '') throw new Error(`there is no SVID:\n${stderr}`)
    return Printed.parse(JSON.parse(stdout))
  }
}
