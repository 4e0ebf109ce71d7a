//! The client against servers on loopback that do what they are told.
