//! Who serves what, and where: registrars and watchers, replicas and their health, the pick among
//! them.
