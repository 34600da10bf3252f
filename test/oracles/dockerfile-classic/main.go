// The second judge of src/dockerfile: the parser of BuildKit 0.8, which Docker 20.10 has built in, for its classic builder
// and for its BuildKit alike. Reads JSON lines on stdin, writes one JSON line for each on stdout.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/dockerfile2llb"
	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/buildkit/frontend/dockerfile/shell"
)

type question struct {
	Kind string            `json:"kind"`
	Text string            `json:"text"`
	Env  map[string]string `json:"env"`
	Tick bool              `json:"tick"`
}

func main() {
	lines := bufio.NewReaderSize(os.Stdin, 1<<20)
	out := json.NewEncoder(os.Stdout)
	out.SetEscapeHTML(false)
	for {
		line, err := lines.ReadBytes('\n')
		if len(bytes.TrimSpace(line)) > 0 {
			var q question
			if err := json.Unmarshal(line, &q); err != nil {
				panic(err)
			}
			if err := out.Encode(answer(q)); err != nil {
				panic(err)
			}
		}
		if err != nil {
			return
		}
	}
}

func answer(q question) any {
	var value any
	var err error
	if q.Kind == "substitute" {
		value, err = substitute(q)
	} else {
		value, err = dockerfile(q.Text)
	}
	if err != nil {
		return map[string]any{"error": err.Error()}
	}
	return value
}

type use struct {
	Reference string `json:"reference"`
	By        string `json:"by"`
}

type stage struct {
	From string `json:"from"`
	Name string `json:"name,omitempty"`
	Line int    `json:"line"`
	Uses []use  `json:"uses"`
}

func dockerfile(text string) (any, error) {
	result, err := parser.Parse(strings.NewReader(text))
	if err != nil {
		return nil, err
	}
	parsed, _, err := instructions.Parse(result.AST)
	if err != nil {
		return nil, err
	}
	stages := []stage{}
	for _, s := range parsed {
		one := stage{From: s.BaseName, Name: s.Name, Uses: []use{}}
		if len(s.Location) > 0 {
			one.Line = s.Location[0].Start.Line
		}
		for _, command := range s.Commands {
			switch c := command.(type) {
			case *instructions.CopyCommand:
				if c.From != "" {
					one.Uses = append(one.Uses, use{c.From, "copy"})
				}
			case *instructions.RunCommand:
				for _, m := range instructions.GetMounts(c) {
					if m.From != "" {
						one.Uses = append(one.Uses, use{m.From, "mount"})
					}
				}
			}
		}
		stages = append(stages, one)
	}
	syntax, _, _, _ := dockerfile2llb.DetectSyntax(strings.NewReader(text))
	return map[string]any{"stages": stages, "syntax": syntax}, nil
}

func substitute(q question) (any, error) {
	escape := '\\'
	if q.Tick {
		escape = '`'
	}
	word, err := shell.NewLex(escape).ProcessWordWithMap(q.Text, q.Env)
	if err != nil {
		return nil, err
	}
	return map[string]any{"value": word}, nil
}
