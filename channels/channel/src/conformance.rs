//! The suite that every adapter passes. Called from the tests of each adapter against a scripted far side.
