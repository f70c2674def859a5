//go:build unix

package embedded_test

import (
	"context"
	"fmt"
	"os"

	"github.com/jackc/pgx/v5"

	"tillflow/lib/embedded"
)

func Example() {
	if err := example(context.Background()); err != nil {
		fmt.Println(err)
	}
	// Output:
	// retaildb
	// 1 broker
}

func example(ctx context.Context) error {
	state, err := os.MkdirTemp("", "tillflow-example-")
	if err != nil {
		return err
	}
	// A program gives its .tillflow folder, leaves out Scratch, and the data stays.
	database, err := embedded.StartPostgres(ctx, embedded.PostgresConfig{State: state, Scratch: true})
	if err != nil {
		return err
	}
	defer database.Stop(ctx)
	broker, err := embedded.StartKafka(ctx, embedded.KafkaConfig{})
	if err != nil {
		return err
	}
	defer broker.Stop(ctx)

	conn, err := pgx.Connect(ctx, database.SocketURL())
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	var name string
	if err := conn.QueryRow(ctx, "select current_database()").Scan(&name); err != nil {
		return err
	}
	fmt.Println(name)
	fmt.Println(len(broker.Brokers()), "broker")
	return nil
}
