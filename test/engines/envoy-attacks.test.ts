import { attackSuite } from '../access/attacks/suite.ts'
import { startEnvoyShape } from '../access/envoy-shape.ts'

attackSuite(startEnvoyShape)
