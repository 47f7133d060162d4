package main

func clientFaults() []fault { return nil }
