import { accessSuite } from './suite.ts'
import { startKitShape } from './kit-shape.ts'

accessSuite(startKitShape)
