// Prints what BuildKit's own parser reads in each Dockerfile named, a JSON object a line.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/parser"
)

type heredoc struct {
	Name   string `json:"name"`
	Text   string `json:"text"`
	Expand bool   `json:"expand"`
}

type instruction struct {
	Keyword  string    `json:"keyword"`
	Line     int       `json:"line"`
	End      int       `json:"end"`
	Flags    []string  `json:"flags"`
	Words    []string  `json:"words"`
	Heredocs []heredoc `json:"heredocs"`
}

func read(name string) ([]instruction, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	result, err := parser.Parse(file)
	if err != nil {
		return nil, err
	}
	found := []instruction{}
	for _, node := range result.AST.Children {
		made := instruction{
			Keyword:  strings.ToUpper(node.Value),
			Line:     node.StartLine,
			End:      node.EndLine,
			Flags:    append([]string{}, node.Flags...),
			Heredocs: []heredoc{},
		}
		if node.Attributes["json"] {
			made.Words = []string{}
			for next := node.Next; next != nil; next = next.Next {
				made.Words = append(made.Words, next.Value)
			}
		}
		for _, doc := range node.Heredocs {
			text := doc.Content
			if doc.Chomp {
				text = parser.ChompHeredocContent(text)
			}
			made.Heredocs = append(made.Heredocs, heredoc{doc.Name, text, doc.Expand})
		}
		found = append(found, made)
	}
	return found, nil
}

func main() {
	encoder := json.NewEncoder(os.Stdout)
	for _, name := range os.Args[1:] {
		found, err := read(name)
		answer := map[string]any{"instructions": found}
		if err != nil {
			answer = map[string]any{"fault": err.Error()}
		}
		if err := encoder.Encode(answer); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
}
