// The judge of src/dockerfile: what BuildKit's own parser and Docker's own matcher say. Reads JSON lines on stdin, writes
// one JSON line for each on stdout.
package main

import (
	"archive/tar"
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/buildkit/frontend/dockerfile/shell"
	"github.com/moby/go-archive"
	"github.com/moby/patternmatcher"
	"github.com/moby/patternmatcher/ignorefile"
	"github.com/sirupsen/logrus"
	"github.com/tonistiigi/fsutil"
)

type question struct {
	Kind  string            `json:"kind"`
	Text  string            `json:"text"`
	Paths []string          `json:"paths"`
	Env   map[string]string `json:"env"`
	Tick  bool              `json:"tick"`
}

func main() {
	logrus.SetOutput(io.Discard)
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
	switch q.Kind {
	case "dockerfile":
		value, err = dockerfile(q.Text)
	case "dockerignore":
		value, err = dockerignore(q.Text, q.Paths)
	case "tree":
		value, err = tree(q.Text, q.Paths)
	case "substitute":
		value, err = substitute(q)
	default:
		panic("unknown kind " + q.Kind)
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
	From     string   `json:"from"`
	Name     string   `json:"name,omitempty"`
	Platform string   `json:"platform,omitempty"`
	Line     int      `json:"line"`
	Uses     []use    `json:"uses"`
	Args     []string `json:"args"`
	OnBuild  []string `json:"onBuild"`
	Add      []string `json:"add"`
}

func dockerfile(text string) (any, error) {
	result, err := parser.Parse(strings.NewReader(text))
	if err != nil {
		return nil, err
	}
	parsed, meta, err := instructions.Parse(result.AST, nil)
	if err != nil {
		return nil, err
	}
	stages := []stage{}
	for _, s := range parsed {
		one := stage{From: s.BaseName, Name: s.Name, Platform: s.Platform, Uses: []use{}, Args: []string{}, OnBuild: []string{}, Add: []string{}}
		if len(s.Location) > 0 {
			one.Line = s.Location[0].Start.Line
		}
		for _, command := range s.Commands {
			switch c := command.(type) {
			case *instructions.CopyCommand:
				if c.From != "" {
					one.Uses = append(one.Uses, use{c.From, "copy"})
				}
			case *instructions.AddCommand:
				one.Add = append(one.Add, c.SourcePaths...)
			case *instructions.RunCommand:
				for _, m := range instructions.GetMounts(c) {
					if m.From != "" {
						one.Uses = append(one.Uses, use{m.From, "mount"})
					}
				}
			case *instructions.ArgCommand:
				for _, a := range c.Args {
					one.Args = append(one.Args, a.Key)
				}
			case *instructions.OnbuildCommand:
				one.OnBuild = append(one.OnBuild, c.Expression)
			}
		}
		stages = append(stages, one)
	}
	args := [][]*string{}
	for _, m := range meta {
		for _, a := range m.Args {
			key := a.Key
			args = append(args, []*string{&key, a.Value})
		}
	}
	syntax, _, _, _ := parser.DetectSyntax([]byte(text))
	return map[string]any{"stages": stages, "args": args, "syntax": syntax}, nil
}

func substitute(q question) (any, error) {
	escape := '\\'
	if q.Tick {
		escape = '`'
	}
	env := []string{}
	for key, value := range q.Env {
		env = append(env, key+"="+value)
	}
	word, _, err := shell.NewLex(escape).ProcessWord(q.Text, shell.EnvsFromSlice(env))
	if err != nil {
		return nil, err
	}
	return map[string]any{"value": word}, nil
}

func dockerignore(text string, paths []string) (any, error) {
	patterns, err := ignorefile.ReadAll(strings.NewReader(text))
	if err != nil {
		return nil, err
	}
	matcher, err := patternmatcher.New(patterns)
	if err != nil {
		return nil, err
	}
	ignored := map[string]bool{}
	for _, p := range paths {
		if ignored[p], err = matcher.MatchesOrParentMatches(p); err != nil {
			return nil, err
		}
	}
	return map[string]any{"ignored": ignored}, nil
}

// tree makes the files (a name that ends in / is a directory) and lists what the command line's tar and BuildKit's own
// transfer have of them.
func tree(text string, paths []string) (any, error) {
	patterns, err := ignorefile.ReadAll(strings.NewReader(text))
	if err != nil {
		return nil, err
	}
	if _, err := patternmatcher.New(patterns); err != nil {
		return nil, err
	}
	root, err := os.MkdirTemp("", "oracle")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(root)
	for _, p := range paths {
		full := filepath.Join(root, p)
		if strings.HasSuffix(p, "/") {
			err = os.MkdirAll(full, 0o755)
		} else if err = os.MkdirAll(filepath.Dir(full), 0o755); err == nil {
			err = os.WriteFile(full, nil, 0o644)
		}
		if err != nil {
			panic(err)
		}
	}
	archived, err := members(root, patterns)
	if err != nil {
		return nil, err
	}
	transferred := []string{}
	source, err := fsutil.NewFS(root)
	if err != nil {
		return nil, err
	}
	filtered, err := fsutil.NewFilterFS(source, &fsutil.FilterOpt{ExcludePatterns: patterns})
	if err != nil {
		return nil, err
	}
	err = filtered.Walk(context.Background(), "", func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			transferred = append(transferred, path)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	sort.Strings(transferred)
	return map[string]any{"archived": archived, "transferred": transferred}, nil
}

func members(root string, patterns []string) ([]string, error) {
	stream, err := archive.TarWithOptions(root, &archive.TarOptions{ExcludePatterns: patterns})
	if err != nil {
		return nil, err
	}
	defer stream.Close()
	names := []string{}
	reader := tar.NewReader(stream)
	for {
		header, err := reader.Next()
		if err == io.EOF {
			sort.Strings(names)
			return names, nil
		}
		if err != nil {
			return nil, err
		}
		if header.Typeflag != tar.TypeDir {
			names = append(names, header.Name)
		}
	}
}
