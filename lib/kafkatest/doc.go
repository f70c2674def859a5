// Package kafkatest starts a real Apache Kafka for tests, one node in KRaft mode or a cluster of several, so that what was
// written against the embedded broker is also run against the one it stands in for.
//
// The broker is the published jars on the machine's Java, version 17 or later; Maven fetches them at the first use into
// tillflow/kafka-VERSION under the user's cache folder. Ports are free ones on loopback, data is in a temporary folder.
// Broker and folder go with the test, and also with the test binary however that ends.
//
// Tests that use it are behind the build tag kafka, so that plain "go test ./..." needs no Java. Behind the tag nothing is
// skipped: where Java or Maven is missing the test fails and says what to install.
package kafkatest
