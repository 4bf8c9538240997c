//! The service between its two neighbours: a stack that runs already (the variables `DETECTIONS_STACK_…`
//! say where), or one that each test starts for itself of the program, or the image, under test.

mod annotations;
mod loader;
mod routes;
mod stack;
