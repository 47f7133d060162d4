package main

func instanceFaults() []fault { return nil }
