package kafkasrc_test

import (
	"context"
	"fmt"
	"time"

	"tillflow/lib/embedded"
	"tillflow/lib/kafkasrc"
)

func Example() {
	ctx := context.Background()
	broker, err := embedded.StartKafka(ctx, embedded.KafkaConfig{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer broker.Stop(ctx)

	c, err := kafkasrc.Open(broker.Brokers(), kafkasrc.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Close()
	if err := c.EnsureTopic(ctx, "transactions", 2); err != nil {
		fmt.Println(err)
		return
	}
	p, err := c.NewProducer(ctx, "transactions")
	if err != nil {
		fmt.Println(err)
		return
	}
	sales := []kafkasrc.Record{{Value: []byte(`{"transaction_id":1}`)}, {Value: []byte(`{"transaction_id":2}`)}}
	if err := p.Send(ctx, 0, sales); err != nil {
		fmt.Println(err)
		return
	}

	// The caller keeps the offset, here in a variable, in the pipeline in the transaction that stores the rows.
	offset := int64(0)
	got, err := c.NewFetcher("transactions", 0).Fetch(ctx, offset, time.Second, func(m *kafkasrc.Message) error {
		fmt.Printf("%d %s\n", m.Offset, m.Value)
		return nil
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("next", got.Next)
	// Output:
	// 0 {"transaction_id":1}
	// 1 {"transaction_id":2}
	// next 2
}
