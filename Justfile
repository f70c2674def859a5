# `just` alone lists the recipes. None is needed: each is one or two commands that can be typed.

_list:
    @just --list --unsorted

# the full DAG on the embedded Kafka and Postgres, until Ctrl-C
run *args:
    go run ./dag run {{args}}

# the full DAG once, then exit
once:
    go run ./dag run --once

# only the services
up:
    go run ./dag up

# run, and open the page
demo:
    (sleep 12; xdg-open http://127.0.0.1:8501 || open http://127.0.0.1:8501) & go run ./dag run

# load the two dimension tables
seed:
    go run ./dag run seed.dims

# the binary, to bin/dag
build:
    go build -trimpath -o bin/dag ./dag

# everything, with the race detector
test:
    go test -race -shuffle=on ./...

# what talks to a broker, against a real Kafka; needs Java 17 and, the first time, Maven
test-kafka:
    go test -tags kafka -count=1 -run '^TestBroker/kafka' ./lib/kafkatest ./lib/kafkasrc ./jobs/stream

# leaders that move in a real Kafka of three nodes; about 1 GB of memory and some minutes
test-kafka-cluster:
    go test -tags kafka -count=1 -run '^TestCluster' -timeout 20m -v ./lib/kafkasrc ./jobs/stream

# only what needs no service
test-short:
    go test ./lib/strictyaml ./lib/event ./lib/window ./lib/rfm ./lib/kmeans ./lib/apriori ./lib/anomaly ./lib/chart ./lib/frame ./dag/spec ./dag/plan ./dag/gate ./dag/runner

# pages in a real Chromium: refreshes, axe-core, HTML, print, pictures (-update stores those); needs chromium, npm, pdftotext
test-browser *args:
    go test -tags browser -count=1 -v -run Browser ./lib/notebook {{args}}

# rewrite the golden files; review them as a diff
golden:
    go test . ./dag ./dag/plan ./dag/runner ./jobs/report ./jobs/stream ./lib/chart ./lib/notebook -update

# every fuzz test for so long
fuzz time="30s":
    for f in $(git grep -lE '^func Fuzz' '*_test.go'); do for t in $(grep -oE '^func Fuzz[A-Za-z]+' $f | cut -c6-); do go test -run '^$' -fuzz "^$t\$" -fuzztime {{time}} ./$(dirname $f) || exit 1; done; done

# every benchmark ten times, for benchstat
bench out="new.txt":
    go test -run '^$' -bench . -count 10 ./lib/... ./jobs/... | tee {{out}}

# the stream beside a bare COPY of the same rows, and its latency; other flags: `dag bench`
bench-stream *args:
    go run ./dag bench stream {{args}}

# the analyses beside the Python packages that do the same, where `just bench-python` has put them; about ten minutes
bench-analytics *args:
    go run ./dag bench analytics {{args}}

# those packages, in a virtual environment of their own
bench-python:
    python3 -m venv .tillflow/bench-python
    .tillflow/bench-python/bin/pip install -q numpy scipy pandas polars pyarrow adbc-driver-postgresql duckdb==1.5.5 duckdb-extension-postgres-scanner==1.5.5 scikit-learn mlxtend rusket pyfim
    -.tillflow/bench-python/bin/pip install -q scikit-learn-intelex

# two pipelines, a broker and a database, killed and frozen at random; the tables must come out exact
chaos time="10m" kills="200" seed="1":
    go test -tags chaos -run TestChaos -count=1 -timeout 60m -v ./dag -chaos {{time}} -kills {{kills}} -seed {{seed}}

# Postgres and the broker away for minutes, a disk that is full, kills every second, and the figures of restarts held to what
# is promised; Linux, and root for the disk
trouble outage="3m":
    go test -tags chaos -run 'StaysAway|RealDisk|RestartAfter|AnotherHost|KillsEvery' -count=1 -parallel 1 -timeout 60m -v ./jobs/stream -outage {{outage}} -strict

# a DAG of thirty jobs whose process is killed again and again; each job must come out as if nobody had disturbed it
kill-dag kills="100":
    go test -run TestKilledInADAG -count=1 -timeout 30m -v ./dag -dag-kills {{kills}}

# a full run with jobs every second, whose memory must not grow; Linux
soak time="1h":
    go test -tags soak -run TestMemoryIsFlat -count=1 -timeout 3h -v ./dag -soak {{time}}

# what the checks hold code to
lint:
    gofmt -l . && go vet ./... && go run honnef.co/go/tools/cmd/staticcheck@v0.8.2 ./...

# everything that must hold before a change lands
ci:
    .ci/run
