// Package embedded starts the two servers the pipeline needs inside one command, so that a new user installs no broker
// and sets up no database: a real Postgres as a child process, and franz-go's kfake as a Kafka broker in this process.
//
// Both keep their data in a state folder, survive a kill -9 of this process, listen on loopback only, and stop with the
// process: nothing is left running behind. Towards the rest of the program they are an address like any other; pointing
// the pipeline at a real Kafka and a real Postgres changes nothing else.
//
//	STATE/postgres/            the database's folder: data, its socket and a lock; mode 0700
//	STATE/postgres.location    where that folder is instead, when the server's user cannot reach STATE
//	STATE/postgres.password    the password in pgpass format, mode 0600; PGPASSFILE can name it
//	STATE/postgres.log         what the server says
//	STATE/kafka/               the broker's logs
//
// What happens on each failure:
//
//	this process is killed     the kernel (elsewhere than on Linux, a waiting shell) tells the server to stop; the next
//	                           start waits for one that is still stopping, and recovers what was committed
//	the server is killed       Done is closed and Err says why; the next start waits until its children are gone
//	two processes, one folder  the second is refused with an *InUseError that names the first
//	a port is taken            *PortTakenError, before anything is started
package embedded
