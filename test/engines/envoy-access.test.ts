import { startEnvoyShape } from '../access/envoy-shape.ts'
import { accessSuite } from '../access/suite.ts'

accessSuite(startEnvoyShape)
