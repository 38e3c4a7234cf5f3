"""Who is at the two ends of a transport?"""
